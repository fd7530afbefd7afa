"""What translating asks of whatever runs the model: source ids in, hypotheses as ids out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from mtcli.decoding.options import Constraints, Sampling, Stop

if TYPE_CHECKING:
    import numpy as np  # importing it would slow the start of engines that need none


@dataclass(frozen=True)
class TranslateOptions:
    """How one batch is searched; the meanings are those of `DecodingConfig`.

    Raises:
        ConfigError: `no_repeat_ngram` or `repetition_penalty` makes no sense.
    """

    beam_size: int
    num_hypotheses: int
    """Hypotheses that are asked for, a sentence; at most `beam_size`."""
    normalization: Literal["average", "gnmt", "none"]
    length_penalty: float
    stop: Stop = "full"
    """When a sentence is done; see `SearchOptions`."""
    no_repeat_ngram: int = 0
    """No n-gram of this size comes twice in an output; 0 allows all."""
    repetition_penalty: float = 1.0
    """The log-probability of a piece that the output has already is multiplied by this in the
    search; 1 is off. `score` says what was searched for, `log_prob` what the model says."""
    prefix_ids: tuple[tuple[int, ...], ...] = ()
    """For each sentence of the batch the pieces that its outputs begin with, perhaps none; they are
    part of the outputs, of their lengths and of their log-probabilities. Empty: none has any."""
    sampling: Sampling | None = None
    """Draw outputs at random, in place of the beam search: `num_hypotheses` of each sentence, in
    the order in which they were drawn, without regard to `beam_size`. None searches."""
    sample_keys: tuple[int, ...] = ()
    """For each sentence of the batch a number of 64 bits that its samples depend on, besides the
    seed. Empty: one made of the source, so that equal sources have equal samples."""
    with_scores: bool = True
    """False allows NaN for scores and log-probabilities where a search is faster without: a greedy
    one need not normalise what it chooses among."""

    def __post_init__(self) -> None:
        # raises ConfigError here, before an engine is loaded
        Constraints(
            no_repeat_ngram=self.no_repeat_ngram, repetition_penalty=self.repetition_penalty
        )


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


class PairEngine(Protocol):
    """Judges outputs that are given; what an `Engine` may also be able to do."""

    @property
    def max_positions(self) -> int:
        """Longest source, and longest output, that the model takes; in pieces, EOS counted."""
        ...

    def score(
        self, src_ids: Sequence[Sequence[int]], tgt_ids: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Natural log-probabilities of the pieces of each target, and of its EOS, in their order.

        Args:
            src_ids: one batch; between 0 and max_positions - 1 ids a sentence, without EOS.
            tgt_ids: as many targets; between 0 and max_positions - 1 ids, without BOS and EOS.
        """
        ...

    def attention(
        self,
        src_ids: Sequence[Sequence[int]],
        tgt_ids: Sequence[Sequence[int]],
        layer: int | None = None,
        heads: Sequence[int] | None = None,
    ) -> list[np.ndarray]:
        """How much the model looks at each source piece while it predicts each target piece.

        Args:
            src_ids: one batch; between 0 and max_positions - 1 ids a sentence, without EOS.
            tgt_ids: as many targets; between 0 and max_positions ids, without BOS and EOS.
            layer: decoder layer, counted from 0; None is the second-last, of a single layer that
                one.
            heads: heads that are averaged, counted from 0; None: all.

        Returns:
            For each pair an array (target pieces, source pieces). Rows sum to at most 1: what is
            left, goes to the EOS of the source.

        Raises:
            ConfigError: the model has no such layer or head.
        """
        ...


class EngineBatch(NamedTuple):
    """One batch; the meanings are those of `Engine.translate`."""

    src_ids: Sequence[Sequence[int]]
    max_lengths: Sequence[int]


class RunningSearch(Protocol):
    """Batches that are being translated."""

    def settle(self) -> None:
        """Wait until all were searched, and start what is to be searched again, if anything.

        To be called before other batches are begun: what is searched again would wait for them.
        """
        ...

    def result(self) -> list[list[list[EngineHypothesis]]]:
        """Wait for what `Engine.translate` would answer to each batch; to be called once."""
        ...


@runtime_checkable
class ParallelEngine(Protocol):
    """An `Engine` that is faster when it is given several batches at once."""

    def begin(self, batches: Sequence[EngineBatch], options: TranslateOptions) -> RunningSearch:
        """Start to translate. Several may be running: they are worked off in their order."""
        ...


class PostponedSearch:
    """A `RunningSearch` that does all of its work when it is asked for the result.

    Args:
        translate: gives the result.
    """

    def __init__(self, translate: Callable[[], list[list[list[EngineHypothesis]]]]) -> None:
        self._translate = translate

    def settle(self) -> None:
        """Nothing is running yet."""

    def result(self) -> list[list[list[EngineHypothesis]]]:
        """Translate."""
        return self._translate()
