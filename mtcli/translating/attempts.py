"""A search of sentences in which those that repeat themselves are searched once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import Hypothesis
from mtcli.translating.repetition import SecondSettings, rescored, second_settings
from mtcli.translating.searching import SentenceSearch

Hypotheses = list[Hypothesis]


class TwoAttempts:
    """A search that is running, and the second one of what repeats itself.

    Args:
        first: the search.
        repeats: whether these hypotheses, of the sentence at that place, repeat themselves.
        begin: starts to search the sentences at these places with other settings; None leaves them
            as they are.
        generation: how the first is searched.
    """

    def __init__(
        self,
        first: SentenceSearch,
        repeats: Callable[[int, Sequence[Hypothesis]], bool],
        begin: Callable[[Sequence[int], SecondSettings], SentenceSearch] | None,
        generation: DecodingConfig,
    ) -> None:
        self._first, self._repeats, self._begin = first, repeats, begin
        self._generation = generation
        self._found: list[Hypotheses] | None = None
        self._repeated: list[int] = []
        self._second: SentenceSearch | None = None

    def settle(self) -> None:
        """See `RunningSearch`; of the first search."""
        self._first.settle()

    def retry(self) -> bool:
        """Wait for the first search; whether there is a second, which is begun by this."""
        if self._found is None:
            self._found = self._first.result()
            self._repeated = [i for i, one in enumerate(self._found) if self._repeats(i, one)]
            if self._repeated and self._begin is not None:
                self._second = self._begin(self._repeated, second_settings(self._generation))
        return self._second is not None

    def result(self) -> tuple[list[Hypotheses], set[int]]:
        """The hypotheses of each sentence, and the places of what repeats itself all the same; to
        be called once.
        """
        has_second = self.retry()
        assert self._found is not None
        found, still = self._found, set(self._repeated)
        if has_second:
            assert self._second is not None
            for i, hypotheses in zip(self._repeated, self._second.result(), strict=True):
                best = hypotheses[0]
                if best.token_ids and best.is_complete and not self._repeats(i, hypotheses):
                    found[i] = rescored(hypotheses, self._generation)
                    still.remove(i)
        return found, still
