"""Read the pieces of a SentencePiece model file without the protobuf library.

SentencePiece's Python interface has neither the algorithm nor which pieces are user-defined, and
its protobuf classes would make protobuf a dependency. Five field numbers are enough.

Source: sentencepiece_model.proto; https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


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


def parse_model(content: bytes) -> ModelFile:
    """Parse a model file that SentencePiece itself has accepted."""
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
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
