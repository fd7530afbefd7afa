"""Export a model to another engine from Python, as `mtcli export` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtcli.errors import DataError
from mtcli.interchange.ctranslate2.export import ExportReport, export_ctranslate2
from mtcli.interchange.verification import Sentences
from mtcli.runs.resolve import resolve_model


def export(
    model: Path | str,
    *,
    output: Path | str | None = None,
    quantization: str = "int8",
    checkpoint: str = "best",
    sources: Sequence[str] | None = None,
    references: Sequence[str] | None = None,
    threshold: float | None = None,
) -> ExportReport:
    """Export a model to CTranslate2 and keep the export if it translates like the model.

    Args:
        model: run folder or model folder.
        output: folder to write; None: `ctranslate2` in the model folder, where `mtcli translate`
            and `Translator.load` find it.
        quantization: how weights are stored: `float32`, `int8`, `int8_float32`, `int16`,
            `float16` or `bfloat16`.
        checkpoint: which model of a run: `best` (or the last one if none was best), `last` or
            `step_N`.
        sources: lines that the model and its export both translate; None: lines of random pieces.
        references: human translations of `sources`, for BLEU.
        threshold: smallest share (0 to 1) of lines that both must translate alike; None: 0.98 for
            float32, 0.3 for all others.

    Raises:
        ConfigError: CTranslate2 is not installed, or cannot run this architecture or quantization.
        DataError: `references` has no `sources`, or another number of lines.
        ModelFolderError: there is no such model, or it is damaged.
        RunFolderError: the output exists or cannot be written.
        VerificationError: the export translates too differently; it was not kept.
    """
    if references is not None and len(references) != len(sources or ()):
        raise DataError(
            "`references` must have as many lines as `sources`:"
            f" found {len(references)} and {len(sources or ())}",
            hint="give one reference for each source",
        )
    sentences = None
    if sources is not None:
        sentences = Sentences(tuple(sources), None if references is None else tuple(references))
    return export_ctranslate2(
        resolve_model(Path(model), checkpoint),
        output=None if output is None else Path(output),
        quantization=quantization,
        sentences=sentences,
        threshold=threshold,
    )
