"""What translating asks of whatever runs the model: source ids in, hypotheses as ids out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable


@dataclass(frozen=True)
class TranslateOptions:
    """How one batch is searched; the meanings are those of `DecodingConfig`."""

    beam_size: int
    num_hypotheses: int
    """Hypotheses that are asked for, a sentence; at most `beam_size`."""
    normalization: Literal["average", "gnmt", "none"]
    length_penalty: float


class EngineHypothesis(NamedTuple):
    """One translation of one sentence."""

    token_ids: tuple[int, ...]
    """Without BOS and EOS."""
    log_prob: float
    """Sum of the natural-log probabilities of token_ids and EOS."""
    score: float
    """log_prob after length normalisation: what hypotheses are ranked by."""
    is_complete: bool
    """Whether the model ended it with EOS; False when it was cut at its longest length."""


class Engine(Protocol):
    """Runs one model."""

    @property
    def max_positions(self) -> int:
        """Longest source, and longest output, that the model takes; in pieces, EOS counted."""
        ...

    def translate(
        self,
        src_ids: Sequence[Sequence[int]],
        max_lengths: Sequence[int],
        options: TranslateOptions,
    ) -> list[list[EngineHypothesis]]:
        """Hypotheses for each sentence, best first.

        Args:
            src_ids: one batch, all of it translated at once; each sentence has between 1 and
                max_positions - 1 ids, without EOS, which the engine appends.
            max_lengths: longest output of each sentence in pieces, EOS counted; at most
                max_positions. One for each, so that a batch does not change what it holds.
            options: how to search.

        Returns:
            For each sentence between 1 and `options.num_hypotheses` hypotheses.
        """
        ...


class EngineBatch(NamedTuple):
    """One batch; the meanings are those of `Engine.translate`."""

    src_ids: Sequence[Sequence[int]]
    max_lengths: Sequence[int]


@runtime_checkable
class ParallelEngine(Protocol):
    """An `Engine` that is faster when it is given several batches at once."""

    def translate_batches(
        self, batches: Sequence[EngineBatch], options: TranslateOptions
    ) -> list[list[list[EngineHypothesis]]]:
        """What `Engine.translate` answers, for each batch."""
        ...
