"""Put sentences into batches of about equal lengths, through the engine, and back in order."""

from __future__ import annotations

from collections.abc import Sequence

from mtcli.decoding.options import Hypothesis
from mtcli.engines.protocol import Engine, EngineBatch, Report, RunningSearch, no_report
from mtcli.translating.batching import longest_first_batches, output_limit
from mtcli.translating.options import TranslateOptions


class SentenceSearch:
    """Sentences that are being searched.

    Args:
        running: their batches.
        places: for each batch, the places of its sentences among all.
    """

    def __init__(self, running: RunningSearch, places: Sequence[Sequence[int]]) -> None:
        self._running, self._places = running, places

    def settle(self) -> None:
        """See `RunningSearch`."""
        self._running.settle()

    def result(self) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence; call it once."""
        hypotheses_of: dict[int, list[Hypothesis]] = {}
        for places, of_batch in zip(self._places, self._running.result(), strict=True):
            hypotheses_of.update(zip(places, of_batch, strict=True))
        return [hypotheses_of[i] for i in range(len(hypotheses_of))]


def begin_search(
    engine: Engine,
    src_ids: Sequence[Sequence[int]],
    options: TranslateOptions,
    prefix_ids: Sequence[Sequence[int]] | None = None,
    report: Report = no_report,
) -> SentenceSearch:
    """Start to search sentences, in the order that is fastest.

    Args:
        engine: runs the model.
        src_ids: pieces of each sentence.
        options: how to search.
        prefix_ids: pieces that the outputs of each sentence begin with; None: of none any.
        report: told after each batch how many sentences it had.

    Raises:
        ConfigError: the engine cannot search that way.
    """
    max_length = min(options.search.max_length, engine.max_positions)
    lengths = [len(ids) for ids in src_ids]
    limits = [
        min(output_limit(length, max_length) + len(prefix), max_length)
        for length, prefix in zip(lengths, prefix_ids or [()] * len(src_ids), strict=True)
    ]
    places_of = list(longest_first_batches(lengths, options.batch_size))
    batches = [
        EngineBatch(
            [src_ids[i] for i in places],
            [limits[i] for i in places],
            () if prefix_ids is None else [prefix_ids[i] for i in places],
        )
        for places in places_of
    ]
    return SentenceSearch(engine.begin(batches, options.search, report), places_of)
