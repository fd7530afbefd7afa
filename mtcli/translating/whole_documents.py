"""Translate documents that are given as lists of their sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from mtcli.translating.documents import Fallbacks, RunningDocuments
from mtcli.translating.progress import Progress, no_progress
from mtcli.translating.source_texts import list_of_texts
from mtcli.translating.translator import Translator


class TranslatedDocuments(NamedTuple):
    """Documents in the other language."""

    documents: list[list[str]]
    """A translation of each sentence of each document; a blank one is as it was."""
    fallbacks: Fallbacks

    @property
    def texts(self) -> list[str]:
        """The translations of all sentences, document after document."""
        return [text for document in self.documents for text in document]


def translate_documents(
    translator: Translator,
    documents: Iterable[Iterable[str]],
    progress: Progress = no_progress,
) -> TranslatedDocuments:
    """Translate neighbouring sentences together, as `mtcli translate --documents` does.

    Args:
        translator: its model was trained on documents.
        documents: the sentences of each.
        progress: told how many groups of sentences are done, and of how many.

    Raises:
        ConfigError: the model was not trained on documents, or a document is a text.
        DeviceError: a batch does not fit into the memory of the accelerator.
    """
    options = translator.options.with_overrides({"num_hypotheses": 1, "with_scores": False})
    options = replace(options, reads_documents=True)
    # a blank text ends a document
    separated = [[*list_of_texts(sentences), ""] for sentences in documents]
    texts = [text for sentences in separated for text in sentences]
    running = translator.begin(texts, options, progress=progress)
    assert isinstance(running, RunningDocuments)
    answers = iter(running.result())
    translated = [
        [
            answer.translations[0].text if text.strip() else text
            for text, answer in zip(sentences, answers, strict=False)
        ][:-1]
        for sentences in separated
    ]
    return TranslatedDocuments(translated, running.fallbacks)


def find_documents(lines: Sequence[str]) -> list[list[str]] | None:
    """The lines in documents, where a blank line ends one; None if none does.

    The blank lines are documents, too, so that all together hold all lines.
    """
    parts = [list(part) for _, part in groupby(lines, key=lambda line: not line.strip())]
    return parts if sum(bool(part[0].strip()) for part in parts) > 1 else None


def named_documents(lines: Sequence[str], names: Sequence[object]) -> list[list[str]]:
    """The lines in documents: neighbours of one name belong together."""
    named = groupby(zip(names, lines, strict=True), key=lambda item: item[0])
    return [[line for _, line in part] for _, part in named]
