"""Compare systems on the same text: models are translated with, then all outputs are compared."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mtcli.bundle.model_folder import WEIGHTS, read_model
from mtcli.bundle.weight_shapes import read_header
from mtcli.config.load import load_config
from mtcli.config.schema.data import HubSource
from mtcli.data.sources import check_files, read_pairs
from mtcli.engines.choice import EngineOptions
from mtcli.engines.ctranslate2.stored import MODEL_FILE
from mtcli.errors import MtcliError
from mtcli.evaluation.side_by_side import Cost, OutputCounts
from mtcli.evaluation.words import words_of
from mtcli.runs.folder import RunFolder
from mtcli.runs.listing import is_run
from mtcli.runs.resolve import resolve_model
from mtcli.translating.documents import NO_FALLBACKS, Fallbacks, RunningDocuments
from mtcli.translating.progress import Progress
from mtcli.translating.repetition import is_repeated
from mtcli.translating.request import PreparedRequest, TranslationRequest, prepare
from mtcli.translating.whole_documents import find_documents

_WARM_UP = 8
"""Sentences translated before the clock starts: the first ones set up the engine."""
_SHORT = 0.5
"""A translation that is shorter than this share of its reference probably lacks something."""


@dataclass(frozen=True)
class Translated:
    """What a model made of the sources."""

    hypotheses: list[str]
    num_truncated: int
    cost: Cost
    fallbacks: Fallbacks
    """Of documents: how often lines could not be translated together."""


def prepare_model(
    path: Path,
    *,
    checkpoint: str = "best",
    device: str = "auto",
    beam_size: int | None = None,
    batch_size: int | None = None,
) -> PreparedRequest:
    """Find a model and see that it is whole, without torch.

    A model folder or run is translated with by torch, as `mtcli eval` does; an export by
    CTranslate2.

    Raises:
        MtcliError: there is no such model, or it is damaged.
    """
    bundle = read_model(resolve_model(path, checkpoint), check_weights=False)
    if not bundle.is_export:
        bundle.check_weights()
    return prepare(
        TranslationRequest(
            models=(bundle.path,),
            engine=EngineOptions("auto" if bundle.is_export else "torch", device),
            overrides={"beam_size": beam_size, "batch_size": batch_size},
            with_scores=False,
        )
    )


def translate(prepared: PreparedRequest, sources: Sequence[str], progress: Progress) -> Translated:
    """Translate the sources, and measure what that takes.

    A model that was trained on documents translates whole documents if blank lines separate any.

    Raises:
        MtcliError: the model cannot be loaded.
    """
    translator = prepared.open()
    translator.translate(sources[:_WARM_UP])
    started_s = time.perf_counter()
    knows_documents = prepared.bundles[0].card.documents is not None
    reads_documents = knows_documents and find_documents(sources) is not None
    options = replace(translator.options, reads_documents=reads_documents)
    running = translator.begin(sources, options, progress=progress)
    answers = running.result()
    elapsed_s = time.perf_counter() - started_s
    bundle = prepared.bundles[0]
    weights, num_parameters = bundle.path / MODEL_FILE, None
    if not bundle.is_export:
        weights = bundle.path / WEIGHTS
        num_parameters = sum(math.prod(each.shape) for each in read_header(weights).values())
    size_bytes = weights.stat().st_size
    return Translated(
        # as `mtcli translate` writes them: a blank line stays as it is
        [
            answer.translations[0].text if text.strip() else text
            for text, answer in zip(sources, answers, strict=True)
        ],
        sum("truncated" in answer.flags for answer in answers),
        Cost(elapsed_s, len(sources) / max(elapsed_s, 1e-9), num_parameters, size_bytes),
        running.fallbacks if isinstance(running, RunningDocuments) else NO_FALLBACKS,
    )


def count_odd_outputs(
    hypotheses: Sequence[str],
    sources: Sequence[str],
    references: Sequence[Sequence[str]],
    num_truncated: int | None,
) -> OutputCounts:
    """Count translations that are odd by themselves.

    Args:
        hypotheses: the translations.
        sources: what was translated.
        references: one list, or several; lengths are compared with the first.
        num_truncated: how many were cut off; None if that is not known.
    """
    empty = repeated = copied = short = 0
    for source, hypothesis, *accepted in zip(sources, hypotheses, *references, strict=True):
        if not source.strip():
            continue
        plain = _plain(hypothesis)
        empty += not plain
        repeated += _is_loop(source, hypothesis)
        copied += plain == _plain(source) and plain not in map(_plain, accepted)
        short += bool(plain) and len(plain) < _SHORT * len(_plain(accepted[0]))
    num_chars, num_wanted = (sum(map(len, map(_plain, t))) for t in (hypotheses, references[0]))
    return OutputCounts(
        empty, repeated, copied, num_truncated, short, num_chars / max(num_wanted, 1)
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_loop(source: str, hypothesis: str) -> bool:
    """As translations are looked at, by words where those are looked at by pieces."""
    ids: dict[str, int] = {}
    source_ids, tgt_ids = (
        [ids.setdefault(word, len(ids)) for word in words_of(text)] for text in (source, hypothesis)
    )
    words = list(ids)

    def text_of(some: Sequence[int]) -> str:
        return " ".join(words[word_id] for word_id in some)

    return is_repeated(source_ids, tgt_ids, text_of, text_of)


def training_sources(path: Path) -> Iterator[str] | None:
    """The source texts that a run was trained on; None if it is not a run.

    Raises:
        MtcliError: its config or its data cannot be read, or are on the hub.
    """
    if not is_run(path):
        return None
    train = load_config(RunFolder(path).config).data.train
    on_hub = [source.name for source in train if isinstance(source, HubSource)]
    if on_hub:
        raise MtcliError(f"its training text is on the hub: {on_hub[0]}")
    check_files(train)
    return (src for src, _ in read_pairs(train))
