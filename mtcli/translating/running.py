"""Texts that are being translated, with a second attempt at what repeats itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from mtcli.decoding.options import Hypothesis
from mtcli.engines.protocol import Engine, PairEngine
from mtcli.translating.alignment import align_answers
from mtcli.translating.answer import Answer, join_answer
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.options import TranslateOptions
from mtcli.translating.progress import Progress, no_progress
from mtcli.translating.repetition import is_repeated, rescored, second_options
from mtcli.translating.searching import SentenceSearch, begin_search
from mtcli.translating.source_texts import SourceText


class RunningTranslation:
    """Texts that are being translated: the first search is running when this is made.

    Args:
        model: translates.
        sources: the texts.
        options: how they are translated.
        prefix_ids: for each part of all texts the pieces that its outputs begin with; None: of none
            any.
        progress: told of the first search.

    Raises:
        ConfigError: the engine cannot search that way.
    """

    def __init__(
        self,
        model: LoadedModel[Engine],
        sources: Sequence[SourceText],
        options: TranslateOptions,
        prefix_ids: Sequence[Sequence[int]] | None,
        progress: Progress = no_progress,
    ) -> None:
        self._model, self._sources, self._options = model, sources, options
        self._src_ids = [part.ids for source in sources for part in source.parts]
        self._prefix_ids = prefix_ids
        self._num_done, self._progress = 0, progress
        self._first = begin_search(
            model.engine, self._src_ids, options, prefix_ids, self._count_done
        )
        self._hypotheses: list[list[Hypothesis]] | None = None
        self._repeated: list[int] = []
        self._second: SentenceSearch | None = None

    def settle(self) -> None:
        """Wait for the first search, before other texts are begun; see `RunningSearch`."""
        self._first.settle()

    def _count_done(self, number: int) -> None:
        self._num_done += number
        self._progress(self._num_done, len(self._src_ids))

    def retry(self) -> bool:
        """Wait for the first search, and begin second attempts. Returns True if there are any."""
        if self._hypotheses is None:
            self._hypotheses = self._first.result()
            self._repeated = [
                i for i, hypotheses in enumerate(self._hypotheses) if self._repeats(i, hypotheses)
            ]
            if self._repeated and self._options.retries:
                self._second = begin_search(
                    self._model.engine,
                    [self._src_ids[i] for i in self._repeated],
                    second_options(self._options),
                    self._prefix_ids and [self._prefix_ids[i] for i in self._repeated],
                )
        return self._second is not None

    def result(self) -> list[Answer]:
        """Wait for the answer to each text; call it once.

        Raises:
            DeviceError: a batch does not fit into the memory of the accelerator.
            ConfigError: the model has no such layer or head as alignments are wanted of.
        """
        hypotheses, still_repeated = self._finish()
        answers, start = [], 0
        for source in self._sources:
            end = start + len(source.parts)
            answers.append(
                join_answer(
                    hypotheses[start:end],
                    self._model.tgt_tokenizer,
                    is_repeated=not still_repeated.isdisjoint(range(start, end)),
                    is_over_limit=source.is_over_limit,
                    prefix=source.prefix,
                    unseen=source.unseen,
                    low_confidence=self._model.low_confidence,
                )
            )
            start = end
        if not self._options.has_alignments:
            return answers
        # the caller chose an engine that has attention
        model = cast("LoadedModel[PairEngine]", self._model)
        return align_answers(model, self._options, self._sources, hypotheses, answers)

    def _finish(self) -> tuple[list[list[Hypothesis]], set[int]]:
        """The hypotheses of each part, and the places of the parts that still repeat themselves."""
        self.retry()
        assert self._hypotheses is not None
        hypotheses_of, still_repeated = self._hypotheses, set(self._repeated)
        if self._second is not None:
            for i, hypotheses in zip(self._repeated, self._second.result(), strict=True):
                best = hypotheses[0]
                if best.token_ids and best.is_complete and not self._repeats(i, hypotheses):
                    search = replace(self._options.search, num_given=self._model.num_tgt_tags)
                    hypotheses_of[i] = rescored(hypotheses, search)
                    still_repeated.remove(i)
        return hypotheses_of, still_repeated

    def _repeats(self, place: int, hypotheses: Sequence[Hypothesis]) -> bool:
        return is_repeated(
            self._src_ids[place],
            hypotheses[0].token_ids,
            self._model.src_tokenizer.decode,
            self._model.tgt_tokenizer.decode,
        )
