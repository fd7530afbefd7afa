"""What is known of how a model made a translation, as plain numbers and strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Row = Sequence[float]
Matrix = Sequence[Row]
"""Rows of equal length."""

StackKind = Literal["encoder", "decoder", "cross"]
"""Source pieces that look at the source, output pieces at the output before them, output pieces at
the source."""

STACK_KINDS: tuple[StackKind, ...] = ("encoder", "decoder", "cross")


@dataclass(frozen=True)
class Alternative:
    """A piece that could have come next."""

    piece: str
    probability: float


@dataclass(frozen=True)
class OutputPiece:
    """A piece of the translation, with what else could have stood there."""

    piece: str
    probability: float
    """Of this piece after those before it, 0 to 1."""
    alternatives: Sequence[Alternative]
    """The most probable pieces, the best first; the piece itself is mostly among them."""


@dataclass(frozen=True)
class Head:
    """What one attention head looks at."""

    weights: Matrix
    """A row for each query, a column for each key; each row sums to 1. `Explanation` says which
    pieces these are."""
    entropy: float
    """Of the rows, in nats, the mean over queries: 0 if each looks at one key alone."""
    importance: float | None
    """How much the loss rises, in nats per output piece, when the output of this head is set to 0
    (negative: the model is better without it); None if it was not measured."""


@dataclass(frozen=True)
class AttentionStack:
    """All heads that look from one kind of pieces at another."""

    kind: StackKind
    attention: str
    """What the layers see, in words: `full`, `local`, `low rank`, with their sizes."""
    layers: Sequence[Sequence[Head]]
    """By layer, then head, as they are counted in `--alignment-layer`: from 0, the first first."""


@dataclass(frozen=True)
class Word:
    """A word of the text as it was written, and the pieces that it became."""

    text: str
    first_piece: int
    """Counted from 0, in `source_pieces` or `output_pieces`."""
    num_pieces: int
    """0 if the tokenizer made no piece of it, or joined it with the word before."""


@dataclass(frozen=True)
class Explanation:
    """One source and its translation, with what the model did.

    S is the number of source pieces, T that of output pieces, each with the end of the sentence.
    """

    source: str
    translation: str
    is_given: bool
    """Whether the translation was given, and not made by the model."""
    source_pieces: Sequence[str]
    """S pieces; the last is `</s>`."""
    output_pieces: Sequence[OutputPiece]
    """T pieces; the last is `</s>`, unless the translation was cut off at its longest length."""
    source_words: Sequence[Word]
    target_words: Sequence[Word]
    stacks: Sequence[AttentionStack]
    """Encoder: S queries and S keys, the source pieces. Decoder: T queries, T keys. Cross: T
    queries, S keys. Query t of decoder and cross is the position that writes output piece t; it has
    read the output before it, so key t of the decoder is the piece before output piece t
    (`decoder_keys`)."""
    alignment: Sequence[tuple[int, int]]
    """Links (source word, target word), as `mtcli translate --alignment` prints them."""
    alignment_layer: int
    """Decoder layer whose attention made the links."""
    alignment_heads: Sequence[int] | None
    """Its heads, averaged; None: all."""
    contributions: Matrix
    """T rows, a column for each source word: gradient of the log-probability of an output piece
    times the word's embeddings, in nats, summed over its pieces. Positive: the word made the piece
    more probable."""
    contribution_reference: str
    """What the contributions are measured against, in a sentence for people."""
    start_piece: str = "<s>"
    """What the decoder reads before the output."""

    @property
    def decoder_keys(self) -> tuple[str, ...]:
        """The T pieces that the decoder has read: the start, then the output but its last piece."""
        return (self.start_piece, *(output.piece for output in self.output_pieces[:-1]))
