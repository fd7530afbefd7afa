"""Running searches of CTranslate2, and which sentences must be searched again."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.engines.protocol import Report, no_report
from mtcli.tokenizer.protocol import EOS_ID


class Search(NamedTuple):
    """How one call of CTranslate2 searches."""

    max_length: int
    is_suppressing: bool = False


class Sentence(NamedTuple):
    """One sentence to translate."""

    source: list[str]
    max_length: int
    """Longest output that is wanted."""
    searched: int
    """Longest output in the search of its batch."""


class Found(NamedTuple):
    """One hypothesis as CTranslate2 returns it."""

    ids: list[int]
    """Including the piece that ended it."""
    log_prob: float

    @property
    def length(self) -> int:
        """Pieces, EOS counted."""
        return len(self.ids)

    @property
    def is_complete(self) -> bool:
        """Whether it ended with EOS."""
        return self.ids[-1] == EOS_ID

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Without EOS."""
        return tuple(self.ids[:-1] if self.is_complete else self.ids)

    def hypothesis(self, options: SearchOptions) -> Hypothesis:
        """The same for callers of the engine, with its score."""
        score = self.log_prob / options.penalty(self.length)
        return Hypothesis(self.token_ids, self.is_complete, self.log_prob, score)


Finish: TypeAlias = Callable[[], list[list[Found]]]
"""Waits for a search. Returns the hypotheses of each sentence."""


class SecondSearcher(Protocol):
    """Searches sentences again, and scores hypotheses."""

    def begin_again(
        self,
        searches: Mapping[Search, Sequence[int]],
        sentences: Sequence[Sentence],
        options: SearchOptions,
    ) -> list[tuple[Sequence[int], Finish]]:
        """Start to search sentences again, given their places, in a few batches."""

    @property
    def forbidden_ids(self) -> Collection[int]:
        """Pieces that no output may hold; CTranslate2 is told that they end a hypothesis."""

    def rescore(
        self, places: Sequence[int], sentences: Sequence[Sentence], found: list[list[Found]]
    ) -> None:
        """Replace the log-probabilities at these places by those without suppressed pieces."""


class SearchesOfBatches:
    """Implements `RunningSearch`.

    Sentences that reached a limit or a forbidden piece are searched again, those of all batches
    together: one by one they would wait for each other, and for whatever else is running.
    """

    def __init__(
        self,
        engine: SecondSearcher,
        batches: Sequence[Sequence[Sentence]],
        running: Sequence[Finish],
        options: SearchOptions,
        report: Report = no_report,
    ) -> None:
        self._engine, self._options, self._report = engine, options, report
        self._sizes = [len(sentences) for sentences in batches]
        self._sentences = [sentence for sentences in batches for sentence in sentences]
        self._running = running
        self._found: list[list[Found]] | None = None
        self._again: list[tuple[Sequence[int], Finish]] = []
        self._forbidden: list[int] = []

    def settle(self) -> None:
        """See `RunningSearch`."""
        self._settled()

    def result(self) -> list[list[list[Hypothesis]]]:
        """See `RunningSearch`."""
        found = self._settled()
        self._take(found)
        if self._options.with_scores or self._options.beam_size > 1:
            is_blocked = self._options.no_repeat_ngram > 0
            places = range(len(found)) if is_blocked else self._forbidden
            self._engine.rescore(places, self._sentences, found)
        answers = iter(found)
        return [[self._ranked(next(answers)) for _ in range(size)] for size in self._sizes]

    def _settled(self) -> list[list[Found]]:
        """The hypotheses of each sentence; those that are being searched again come later."""
        if self._found is not None:
            return self._found
        found: list[list[Found]] = []
        for finish in self._running:
            of_batch = finish()
            found += of_batch
            self._report(len(of_batch))
        self._again = self._engine.begin_again(
            self._search_limited(found), self._sentences, self._options
        )
        self._take(found)  # there are few, and what they find may hold a forbidden piece
        forbidden: dict[Search, list[int]] = defaultdict(list)
        for i, (sentence, hypotheses) in enumerate(zip(self._sentences, found, strict=True)):
            if any(hypothesis.ids[-1] in self._engine.forbidden_ids for hypothesis in hypotheses):
                forbidden[Search(sentence.max_length, is_suppressing=True)].append(i)
        self._forbidden = [i for places in forbidden.values() for i in places]
        self._again = self._engine.begin_again(forbidden, self._sentences, self._options)
        self._found = found
        return found

    def _search_limited(self, found: list[list[Found]]) -> dict[Search, list[int]]:
        """The sentences that reached their own limit in the longer search of their batch.

        Greedy outputs without scores are cut here instead: they are the same up to the limit.
        """
        is_prefix = self._options.beam_size == 1 and not self._options.with_scores
        limited: dict[Search, list[int]] = defaultdict(list)
        for i, (sentence, hypotheses) in enumerate(zip(self._sentences, found, strict=True)):
            limit = sentence.max_length
            longest = max(hypothesis.length for hypothesis in hypotheses)
            if limit < sentence.searched and longest >= limit:
                if is_prefix:
                    found[i] = [Found(h.ids[:limit], math.nan) for h in hypotheses]
                else:
                    limited[Search(limit)].append(i)
        return limited

    def _take(self, found: list[list[Found]]) -> None:
        """Put the results of second searches into their places."""
        for places, result in self._again:
            for i, hypotheses in zip(places, result(), strict=True):
                found[i] = hypotheses
        self._again = []

    def _ranked(self, hypotheses: Sequence[Found]) -> list[Hypothesis]:
        answers = [hypothesis.hypothesis(self._options) for hypothesis in hypotheses]
        # changes the order only of sentences that were scored again, because sorting is stable
        answers.sort(key=lambda hypothesis: -hypothesis.score)
        return answers[: self._options.num_hypotheses]
