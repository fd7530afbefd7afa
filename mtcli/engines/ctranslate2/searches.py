"""Searches by CTranslate2 that are under way, and what of them has to be searched again."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, PAD_ID, UNK_ID

FORBIDDEN_IDS = (PAD_ID, UNK_ID, BOS_ID)
"""Pieces that no output holds; CTranslate2 is told that they end a hypothesis."""


class Search(NamedTuple):
    """How one call searches."""

    max_length: int
    is_suppressing: bool = False


class Asked(NamedTuple):
    """One sentence."""

    source: list[str]
    max_length: int
    """Longest output that is wanted of it."""
    searched: int
    """Longest output that its batch is searched with."""


class Found(NamedTuple):
    """One hypothesis as CTranslate2 gives it."""

    ids: list[int]
    """With what ended it."""
    log_prob: float

    @property
    def length(self) -> int:
        """Pieces, EOS counted."""
        return len(self.ids)

    @property
    def is_complete(self) -> bool:
        """Whether it ended by itself."""
        return self.ids[-1] == EOS_ID

    @property
    def is_forbidden(self) -> bool:
        """Whether a forbidden piece ended it."""
        return self.ids[-1] in FORBIDDEN_IDS

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Without EOS."""
        return tuple(self.ids[:-1] if self.is_complete else self.ids)

    def answer(self, options: SearchOptions) -> Hypothesis:
        """What the translator is told."""
        score = self.log_prob / options.penalty(self.length)
        return Hypothesis(self.token_ids, self.is_complete, self.log_prob, score)


Finish: TypeAlias = Callable[[], list[list[Found]]]
"""Waits for a search that was started: the hypotheses of each sentence."""


class SecondSearcher(Protocol):
    """What searches sentences again."""

    def begin_again(
        self,
        searches: Mapping[Search, Sequence[int]],
        asked: Sequence[Asked],
        options: SearchOptions,
    ) -> list[tuple[Sequence[int], Finish]]:
        """Start to search sentences again, by their places: together, in a few batches."""

    def rescore(
        self, places: Sequence[int], asked: Sequence[Asked], found: list[list[Found]]
    ) -> None:
        """Give the hypotheses of these places log-probabilities from which nothing was taken."""


class SearchesOfBatches:
    """Implements `RunningSearch`.

    What came to a limit or a forbidden piece is searched again, that of all batches together: one
    by one they would wait for each other, and for whatever else is running.
    """

    def __init__(
        self,
        engine: SecondSearcher,
        batches: Sequence[Sequence[Asked]],
        running: Sequence[Finish],
        options: SearchOptions,
    ) -> None:
        self._engine, self._options = engine, options
        self._sizes = [len(of_batch) for of_batch in batches]
        self._asked = [one for of_batch in batches for one in of_batch]
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
            self._engine.rescore(places, self._asked, found)
        answers = iter(found)
        return [[self._ranked(next(answers)) for _ in range(size)] for size in self._sizes]

    def _settled(self) -> list[list[Found]]:
        if self._found is not None:
            return self._found
        found = [of_sentence for of_batch in self._running for of_sentence in of_batch()]
        cut: dict[Search, list[int]] = defaultdict(list)
        is_prefix = self._options.beam_size == 1 and not self._options.with_scores
        for i, (one, hypotheses) in enumerate(zip(self._asked, found, strict=True)):
            reached = max(hypothesis.length for hypothesis in hypotheses)
            if one.max_length < one.searched and reached >= one.max_length:
                if is_prefix:
                    found[i] = [Found(own.ids[: one.max_length], math.nan) for own in hypotheses]
                else:
                    cut[Search(one.max_length)].append(i)
        self._again = self._engine.begin_again(cut, self._asked, self._options)
        self._take(found)  # rare, and what it finds may hold a forbidden piece
        forbidden: dict[Search, list[int]] = defaultdict(list)
        for i, (one, hypotheses) in enumerate(zip(self._asked, found, strict=True)):
            if any(hypothesis.is_forbidden for hypothesis in hypotheses):
                forbidden[Search(one.max_length, is_suppressing=True)].append(i)
        self._forbidden = [i for places in forbidden.values() for i in places]
        self._again = self._engine.begin_again(forbidden, self._asked, self._options)
        self._found = found
        return found

    def _take(self, found: list[list[Found]]) -> None:
        """Put what was searched again into its places."""
        for places, result in self._again:
            for i, hypotheses in zip(places, result(), strict=True):
                found[i] = hypotheses
        self._again = []

    def _ranked(self, hypotheses: Sequence[Found]) -> list[Hypothesis]:
        answers = [hypothesis.answer(self._options) for hypothesis in hypotheses]
        # equal before and after but for sentences scored anew; sorting is stable
        answers.sort(key=lambda hypothesis: -hypothesis.score)
        return answers[: self._options.num_hypotheses]
