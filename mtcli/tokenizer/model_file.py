"""Read the pieces of a SentencePiece model file without the protobuf library, and add what it
says of normalization.

SentencePiece's Python interface has neither the algorithm nor which pieces are user-defined, and
its protobuf classes would make protobuf a dependency. Five field numbers are enough.

The model applies no normalization of its own if mtcli has trained it; the file says what text must
go through first, so that a copied file is complete. SentencePiece ignores that field.

Source: sentencepiece_model.proto; https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from mtcli.config.schema.tokenizer import NormalizationRule
    from mtcli.tokenizer.invisible import Side

_NORMALIZATION_FIELD = 1017
"""A field of the file's top level; those from 200 on are free for others than SentencePiece."""

_VARINT_BITS = 70
"""Ten groups of seven hold 64 bits."""

_NORMALIZER_KEY = b"\x1a"
"""ModelProto.normalizer_spec, of variable length."""

_USER_DEFINED_END = re.compile(rb"\x18\x04[\x0a\x12]")
"""The end of a user-defined piece, and the start of what follows it."""


class Algorithm(IntEnum):
    """TrainerSpec.ModelType."""

    UNIGRAM = 1
    BPE = 2
    WORD = 3
    CHAR = 4


class PieceKind(IntEnum):
    """SentencePiece.Type."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    """One entry of the vocabulary; its id is its place."""

    text: str
    score: float
    """Log-probability (unigram) or minus the rank of the merge (BPE)."""
    kind: PieceKind


@dataclass(frozen=True)
class ModelFile:
    """The vocabulary and the algorithm that segments text with it."""

    algorithm: Algorithm
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class SideRules:
    """The normalization of each side."""

    src: NormalizationRule
    tgt: NormalizationRule

    def of(self, side: Side) -> NormalizationRule:
        """The rule of a side."""
        return self.src if side == "src" else self.tgt


def with_rules(content: bytes, rules: SideRules) -> bytes:
    """A model file that says how text is normalized before it is segmented."""
    field = json.dumps({"src": rules.src, "tgt": rules.tgt}).encode("ascii")
    return content + _RULES_KEY + encoded_varint(len(field)) + field


_NOT_OF_SENTENCEPIECE = ("identity", "nfc")
"""Rules of normalization that a model file of ours does not need or cannot have."""


def with_rule_for_others(content: bytes, rule: NormalizationRule) -> bytes:
    """A model file that other tools can use: it normalizes as mtcli does, if SentencePiece can."""
    return content if rule in _NOT_OF_SENTENCEPIECE else with_normalizer(content, rule)


def with_normalizer(content: bytes, rule: NormalizationRule) -> bytes:
    """A model file that itself normalizes by a rule of SentencePiece, for other tools.

    Raises:
        ValueError: SentencePiece has no such rule.
    """
    from sentencepiece import SentencePieceNormalizer

    if rule == "nfc":
        raise ValueError("SentencePiece has no rule `nfc`")
    # a message that occurs twice in a file is merged: all other settings stay
    spec: bytes = SentencePieceNormalizer(rule_name=rule).serialized_normalizer_spec()
    return content + _NORMALIZER_KEY + encoded_varint(len(spec)) + spec


def read_rules(content: bytes) -> SideRules | None:
    """The rules of a model file; None if it has none.

    Raises:
        ValueError: it has rules that are unknown here.
    """
    from mtcli.config.schema.tokenizer import NormalizationRule

    # a search, because reading the vocabulary before the field takes 15 ms
    match = _RULES.search(content)
    if match is None:
        return None
    rules = json.loads(match[1])  # the pattern leaves it only two words
    for rule in (rules["src"], rules["tgt"]):
        if rule not in get_args(NormalizationRule):
            raise ValueError(f"unknown normalization {rule!r}")
    return SideRules(rules["src"], rules["tgt"])


def user_symbols(content: bytes) -> list[str]:
    """The user-defined pieces of a model file.

    Raises:
        ValueError: as `parse_model`.
    """
    if _USER_DEFINED_END.search(content) is None:
        return []  # nearly every file; reading all pieces takes 15 ms
    pieces = parse_model(content).pieces
    return [piece.text for piece in pieces if piece.kind is PieceKind.USER_DEFINED]


def parse_model(content: bytes) -> ModelFile:
    """Parse a model file that SentencePiece itself has accepted.

    Raises:
        ValueError: it is malformed all the same; SentencePiece passes over what it does not know.
    """
    try:
        return _parsed(content)
    except (IndexError, KeyError, struct.error) as error:
        raise ValueError("a field of it is cut or of an unknown type") from error


def _parsed(content: bytes) -> ModelFile:
    pieces: list[Piece] = []
    algorithm = Algorithm.UNIGRAM
    for number, value in _fields(memoryview(content)):
        if number == 1 and isinstance(value, memoryview):
            pieces.append(_parse_piece(value))
        elif number == 2 and isinstance(value, memoryview):
            for spec_number, spec_value in _fields(value):
                if spec_number == 3 and isinstance(spec_value, int):
                    algorithm = Algorithm(spec_value)
    return ModelFile(algorithm, tuple(pieces))


def _parse_piece(message: memoryview) -> Piece:
    text, score, kind = "", 0.0, PieceKind.NORMAL
    for number, value in _fields(message):
        if number == 1 and isinstance(value, memoryview):
            text = bytes(value).decode("utf-8")
        elif number == 2 and isinstance(value, memoryview):
            (score,) = struct.unpack("<f", value)
        elif number == 3 and isinstance(value, int):
            kind = PieceKind(value)
    return Piece(text, score, kind)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values: an int for a varint, bytes for all else."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire_type == 2:
            size, position = _varint(message, position)
        else:
            size = {1: 8, 5: 4}[wire_type]
        yield number, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """An integer in groups of seven bits, lowest first, and where it ends."""
    value = shift = 0
    while shift < _VARINT_BITS:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number of it has no end")


def encoded_varint(value: int) -> bytes:
    """The reverse of `_varint`."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


_RULES_KEY = encoded_varint(_NORMALIZATION_FIELD << 3 | 2)
_RULES = re.compile(re.escape(_RULES_KEY) + rb"""[\x20-\x7f]({"src": "\w+", "tgt": "\w+"})""")
