"""Translate documents: neighbouring sentences together, and one answer for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mtcli.bundle.card import DocumentFacts
from mtcli.data.document_groups import group_sentences, join_sentences, split_sentences
from mtcli.engines.protocol import Engine
from mtcli.errors import ConfigError
from mtcli.tokenizer.protocol import SEPARATOR
from mtcli.translating.answer import Answer, Translation
from mtcli.translating.batching import output_limit
from mtcli.translating.controls import without_controls
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.options import TranslateOptions
from mtcli.translating.parts import Part
from mtcli.translating.progress import Progress, no_progress
from mtcli.translating.running import RunningTranslation
from mtcli.translating.source_texts import SourceText


class Fallbacks(NamedTuple):
    """How often a translation had another number of sentences than its source."""

    num_groups: int
    """Groups of sentences that were translated together."""
    num_unequal: int
    """Those whose translation had another number of sentences; their halves were tried then."""
    num_alone: int = 0
    """Sentences of these that no half could keep, which were translated one by one."""

    def in_words(self, unit: str) -> str:
        """What happened, in words; `unit` is what a sentence is called, in the plural."""
        groups = "1 group" if self.num_groups == 1 else f"{self.num_groups} groups"
        return (
            f"of {groups} of {unit} that were translated together, {self.num_unequal} came back"
            " with another number of sentences and were translated in smaller groups;"
            f" {unit} translated alone: {self.num_alone}"
        )


def check_documents(facts: DocumentFacts | None, name: Path | str) -> None:
    """Raise ConfigError if the model of this name was not trained on documents."""
    if facts is None:
        raise ConfigError(
            f"{name} was not trained on documents",
            hint="set `data.documents` in a training config, or translate line by line",
        )


NO_FALLBACKS = Fallbacks(0, 0)


def sum_fallbacks(parts: Sequence[Fallbacks]) -> Fallbacks:
    """Those of all parts."""
    return Fallbacks(*map(sum, zip(NO_FALLBACKS, *parts, strict=True)))


class RunningDocuments:
    """Documents that are being translated; it answers as `RunningTranslation` does.

    Sentences that stand together, and together fit into what the model saw in training, are one
    input, with separators between them. Where its translation has as many sentences, each line gets
    its own; else each half of them is tried, down to single lines, so that most keep some context.
    A text that is blank ends a document, and so does one that is too long to be translated whole.

    Args:
        model: translates; it was trained on documents.
        sources: the lines.
        options: how they are translated: one translation of each, without alignments.
        max_pieces: most pieces of an input, if that is less than in training.
        progress: told of the first search, in inputs.
    """

    def __init__(
        self,
        model: LoadedModel[Engine],
        sources: Sequence[SourceText],
        options: TranslateOptions,
        max_pieces: int,
        progress: Progress = no_progress,
    ) -> None:
        assert model.documents is not None
        self._model, self._sources = model, sources
        self._separator = model.tgt_tokenizer.piece_to_id(SEPARATOR)
        limit = min(max_pieces, model.documents.max_pieces)
        # what a sentence may have at most is too little for several
        longest = max(options.search.max_length, output_limit(limit, max_pieces + 1))
        self._options = replace(options, search=replace(options.search, max_length=longest))
        lengths = [sum(len(part.ids) for part in source.parts) for source in sources]
        self._groups = group_sentences(
            _documents(sources), [lengths], limit, model.documents.max_sentences
        )
        self._running = self._begin(self._groups, progress)
        self.fallbacks = Fallbacks(sum(len(group) > 1 for group in self._groups), 0)

    def _begin(
        self, groups: Sequence[Sequence[int]], progress: Progress = no_progress
    ) -> RunningTranslation:
        inputs = [self._input([self._sources[place] for place in group]) for group in groups]
        return RunningTranslation(self._model, inputs, self._options, None, progress)

    def _input(self, sources: Sequence[SourceText]) -> SourceText:
        """Several sentences as one text of one part; one alone stays as it is."""
        if len(sources) == 1:
            return sources[0]
        separator = self._model.src_tokenizer.piece_to_id(SEPARATOR)
        text = " ".join(source.text for source in sources)
        ids = join_sentences([source.parts[0].ids for source in sources], separator)
        return SourceText(text, [Part(text, ids)], is_over_limit=False)

    def settle(self) -> None:
        """See `RunningTranslation`."""
        self._running.settle()

    def retry(self) -> bool:
        """See `RunningTranslation`."""
        return self._running.retry()

    def result(self) -> list[Answer]:
        """Wait for the answer to each line; call it once.

        Raises:
            DeviceError: a batch does not fit into the memory of the accelerator.
        """
        answers: dict[int, Answer] = {}
        unequal = self._keep(self._groups, self._running, answers)
        self.fallbacks = self.fallbacks._replace(num_unequal=len(unequal))
        while unequal:
            halves = [half for group in unequal for half in _halves(group)]
            num_alone = self.fallbacks.num_alone + sum(len(half) == 1 for half in halves)
            self.fallbacks = self.fallbacks._replace(num_alone=num_alone)
            unequal = self._keep(halves, self._begin(halves), answers)
        return [answers[place] for place in range(len(self._sources))]

    def _keep(
        self,
        groups: Sequence[Sequence[int]],
        running: RunningTranslation,
        answers: dict[int, Answer],
    ) -> list[Sequence[int]]:
        """Put what is right into `answers`. Returns the groups with another number of sentences."""
        unequal = []
        for group, answer in zip(groups, running.result(), strict=True):
            if len(group) == 1:
                answers[group[0]] = answer
                continue
            sentences = self._sentences_of(answer)
            if len(sentences) == len(group) and all(sentences):
                for place, text in zip(group, sentences, strict=True):
                    answers[place] = self._answer(place, text, answer)
            else:
                unequal.append(group)
        return unequal

    def _sentences_of(self, answer: Answer) -> list[str]:
        """The sentences of a translation; none of one that was cut off or repeats itself."""
        if not {"truncated", "repeated"}.isdisjoint(answer.flags):
            return []
        sentences = split_sentences(answer.translations[0].token_ids, self._separator)
        texts = self._model.tgt_tokenizer.decode_batch(sentences)
        return [without_controls(text).strip() for text in texts]

    def _answer(self, place: int, text: str, whole: Answer) -> Answer:
        """The answer for one line: its own text, with what is known of the whole."""
        best, source = whole.translations[0], self._sources[place]
        ids = tuple(self._model.tgt_tokenizer.encode(text))
        flags = tuple(flag for flag in whole.flags if flag != "unseen")
        return whole._replace(
            translations=(Translation(text, best.log_prob, best.score, ids),),
            flags=(*flags, "unseen") if source.unseen else flags,
            unseen=source.unseen,
        )


def _halves(group: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    middle = (len(group) + 1) // 2
    return group[:middle], group[middle:]


def _documents(sources: Sequence[SourceText]) -> list[int]:
    """The number of each line's document; a line of no part or of several is one of its own."""
    numbers, number = [], 0
    for source in sources:
        if len(source.parts) == 1:
            numbers.append(number)
        else:
            numbers.append(number + 1)
            number += 2
    return numbers
