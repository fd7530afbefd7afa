"""The protocol of engines, which run models: source ids in, hypotheses as ids out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from mtcli.decoding.options import Hypothesis, SearchOptions

if TYPE_CHECKING:
    import numpy as np  # importing it would slow the start of engines that need none


Report: TypeAlias = Callable[[int], None]
"""Is told how many more sentences are done, by the thread that waits for the result."""


def no_report(number: int) -> None:
    """Tell nobody."""


class EngineBatch(NamedTuple):
    """Sentences that are translated together, and what is asked of each of them."""

    src_ids: Sequence[Sequence[int]]
    """Pieces of each sentence, between 1 and max_positions - 1, without EOS: the engine appends
    it."""
    max_lengths: Sequence[int]
    """Longest output of each sentence in pieces, EOS counted; at most max_positions. One for each,
    so that what a sentence gets does not depend on its batch."""
    prefix_ids: Sequence[Sequence[int]] = ()
    """Pieces that the outputs of each sentence begin with, perhaps none. They are part of the
    outputs, of their lengths and of their log-probabilities. Empty: no sentence has any."""


class RunningSearch(Protocol):
    """Batches that are being translated."""

    def settle(self) -> None:
        """Wait until each batch was searched once, and start what must be searched again.

        Call it before other batches are begun: what is searched again would wait behind them.
        Only an engine that works in parallel with its caller has anything to do here.
        """
        ...

    def result(self) -> list[list[list[Hypothesis]]]:
        """Wait for the hypotheses of each sentence of each batch; call it once."""
        ...


class Engine(Protocol):
    """Runs one model, or an ensemble."""

    @property
    def max_positions(self) -> int:
        """Longest source, and longest output, that the model takes; in pieces, EOS counted."""
        ...

    def begin(
        self,
        batches: Sequence[EngineBatch],
        options: SearchOptions,
        report: Report = no_report,
    ) -> RunningSearch:
        """Start to translate; several searches may be running, and are done in their order.

        Args:
            batches: any number of them; the engine may translate some in parallel.
            options: how to search.
            report: told after each batch.

        Returns:
            The search. Its result has between 1 and `options.num_hypotheses` hypotheses for each
            sentence, best first; samples come in the order in which they were drawn.
        """
        ...


class PairEngine(Protocol):
    """Scores given outputs and shows attention; some engines do this, too."""

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


class PostponedSearch:
    """A `RunningSearch` that does all of its work when it is asked for the result.

    Args:
        translate: gives the result.
    """

    def __init__(self, translate: Callable[[], list[list[list[Hypothesis]]]]) -> None:
        self._translate = translate

    def settle(self) -> None:
        """Do nothing: no search has started yet."""

    def result(self) -> list[list[list[Hypothesis]]]:
        """Translate."""
        return self._translate()
