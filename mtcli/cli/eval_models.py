"""How `mtcli eval` translates with the models that it scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtcli.cli.bars import progress_bar
from mtcli.cli.notes import counted, note
from mtcli.cli.scored_texts import write_texts
from mtcli.cli.translate_report import note_fallbacks

if TYPE_CHECKING:
    from mtcli.translating.request import PreparedRequest


@dataclass(frozen=True)
class Search:
    """How to translate; None is what the model says."""

    checkpoint: str
    beam_size: int | None
    batch_size: int | None
    device: str
    src_lang: str | None = None
    """Of a model that knows several; None: its default."""
    tgt_lang: str | None = None
    """The same; without meaning for a model of one language."""


def prepare_model(model: Path, search: Search) -> PreparedRequest:
    """Find a model and see that it is whole, without torch.

    Raises:
        MtcliError: there is no such model, or it is damaged.
    """
    from mtcli.bundle.model_folder import read_model
    from mtcli.engines.choice import EngineOptions
    from mtcli.runs.resolve import resolve_model
    from mtcli.translating.request import TranslationRequest, prepare

    tgt_lang = search.tgt_lang
    if tgt_lang is not None:
        folder = resolve_model(model, search.checkpoint)
        languages = read_model(folder, check_weights=False).card.languages
        tgt_lang = tgt_lang if languages is not None and languages.tgt else None
    prepared = prepare(
        TranslationRequest(
            models=(model,),
            checkpoint=search.checkpoint,
            src_lang=search.src_lang,
            tgt_lang=tgt_lang,
            # scores are the model's, not those of an export that lost a little to be fast
            engine=EngineOptions("torch", search.device),
            overrides={"beam_size": search.beam_size, "batch_size": search.batch_size},
            with_scores=False,
        )
    )
    prepared.bundles[0].check_weights()
    return prepared


def translate(
    prepared: PreparedRequest,
    sources: list[str],
    output: Path | None,
    documents: Sequence[Sequence[str]] | None = None,
) -> list[str]:
    """Translate the sources, and write the translations to `output` if there is one.

    Args:
        prepared: the model.
        sources: what is translated.
        output: where the translations go, too.
        documents: the sources again, in documents that are translated whole; None: one by one.
    """
    if output is not None:
        write_texts(output, [])  # a file that cannot be written is told before translating
    if documents is None:
        note(f"translating with {prepared.bundles[0].path}")
        with progress_bar("translating", "sentences") as bar:
            hypotheses = prepared.open().translate(sources, progress=bar.move)
    else:
        hypotheses = _translate_documents(prepared, documents)
    if output is not None:
        write_texts(output, hypotheses)
    return hypotheses


def _translate_documents(
    prepared: PreparedRequest, documents: Sequence[Sequence[str]]
) -> list[str]:
    from mtcli.translating.whole_documents import translate_documents

    number = sum(any(map(str.strip, document)) for document in documents)
    note(f"translating {counted(number, 'document')} with {prepared.bundles[0].path}")
    with progress_bar("translating", "groups of sentences") as bar:
        translated = translate_documents(prepared.open(), documents, bar.move)
    note_fallbacks(translated.fallbacks)
    return translated.texts


def documents_of(
    prepared: PreparedRequest, sources: list[str], names: Sequence[str] | None
) -> list[list[str]] | None:
    """The sources in documents if the model was trained on any, and it is known where they end.

    Args:
        prepared: the model.
        sources: what is translated.
        names: the document of each source; None: a blank source ends a document.
    """
    from mtcli.translating.whole_documents import find_documents, named_documents

    bundle = prepared.bundles[0]
    if bundle.card.documents is None:
        return None
    if names is not None:
        return named_documents(sources, names)
    if (documents := find_documents(sources)) is None and len(sources) > 1:
        note(
            f"note: {bundle.path} was trained on documents, but no blank line ends one; each line"
            " is translated alone\nhint: separate documents with blank lines in all files, or name"
            " them with `--documents FILE`"
        )
    return documents
