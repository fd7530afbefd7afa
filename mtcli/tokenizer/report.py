"""Statistics of a tokenizer on a text: unknown pieces, pieces per word, failed round trips."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mtcli.tokenizer.losses import Losses
from mtcli.tokenizer.protocol import UNK_ID, Tokenizer
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

_BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")
_NUM_EXAMPLES = 3


@dataclass(frozen=True)
class RoundTripFailure:
    """A sentence that encoding and decoding change."""

    sentence: int
    """Its number, counted from 1."""
    normalized: str
    """The text that decoding should give."""
    decoded: str
    """The text that it gives."""


@dataclass(frozen=True)
class TokenizerReport:
    """Counts over a text; the rates are over all of it."""

    num_sentences: int
    num_words: int
    """Words of the normalized text, between spaces."""
    num_pieces: int
    num_unknown: int
    """Pieces that are UNK."""
    num_bytes: int
    """Pieces that spell one byte of a character without a piece."""
    num_failures: int
    """Sentences with decode(encode(x)) != normalize(x)."""
    failures: tuple[RoundTripFailure, ...]
    """The first of them, at most 3."""

    @property
    def unknown_rate(self) -> float:
        """Share of the pieces that are UNK."""
        return self.num_unknown / max(1, self.num_pieces)

    @property
    def byte_rate(self) -> float:
        """Share of the pieces that spell a byte: with byte fallback, the rare characters."""
        return self.num_bytes / max(1, self.num_pieces)

    @property
    def pieces_per_word(self) -> float:
        """Pieces of a word, on average."""
        return self.num_pieces / max(1, self.num_words)


def report(tokenizer: Tokenizer, sentences: Iterable[str]) -> TokenizerReport:
    """Encode and decode the sentences, and count what happens.

    Args:
        tokenizer: the tokenizer to judge.
        sentences: raw text, read once.
    """
    is_byte = [
        _BYTE_PIECE.fullmatch(tokenizer.id_to_piece(piece_id)) is not None
        for piece_id in range(tokenizer.vocab_size)
    ]
    num_sentences = num_words = num_pieces = num_unknown = num_bytes = num_failures = 0
    failures: list[RoundTripFailure] = []
    for sentence in sentences:
        num_sentences += 1
        ids = tokenizer.encode(sentence)
        normalized, decoded = tokenizer.normalize(sentence), tokenizer.decode(ids)
        num_words += len(normalized.split())
        num_pieces += len(ids)
        num_unknown += ids.count(UNK_ID)
        num_bytes += sum(is_byte[piece_id] for piece_id in ids)
        if decoded != normalized:
            num_failures += 1
            if len(failures) < _NUM_EXAMPLES:
                failures.append(RoundTripFailure(num_sentences, normalized, decoded))
    return TokenizerReport(
        num_sentences, num_words, num_pieces, num_unknown, num_bytes, num_failures, tuple(failures)
    )


def describe_losses(losses: Losses, tokenizer: SentencePieceTokenizer) -> Iterator[str]:
    """Warnings of target sentences that the model can never write as they are; none if it can.

    Args:
        losses: of the target text.
        tokenizer: the target's.
    """
    of_all = f"of the first {losses.num_sentences} target sentences"
    if losses.num_changed:
        rule = tokenizer.normalization
        if not losses.num_normalized:
            cause = "the tokenizer has no piece for all of their characters"
            remedy = "set `tokenizer.byte_fallback: true` to keep them"
        elif rule in ("nfc", "identity"):
            cause = "the normalization in the tokenizer's own file changes them"
            remedy = "use a tokenizer that mtcli trains to keep them"
        else:
            cause = f"the normalization `{rule}` changes them"
            remedy = "set `tokenizer.tgt_normalization: nfc` to keep them"
        written, back = losses.example
        yield (
            f"{losses.num_changed} {of_all} cannot come back as they are written, because {cause};"
            f" lost: {losses.named_characters}; for example {written!r} becomes {back!r}; {remedy}"
        )
    if losses.num_only_invisible:
        lost = "" if losses.num_changed else f": {losses.named_characters}"
        yield f"{losses.num_only_invisible} {of_all} lose invisible characters only{lost}"
