"""Export a model folder to CTranslate2, and verify the export before it is kept."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

from mtcli.bundle.export_record import CTRANSLATE2, RECORD, ExportRecord, weights_sha256
from mtcli.bundle.model_folder import WEIGHTS, Bundle, read_model
from mtcli.engines.ctranslate2.package import INSTALL, MISSING
from mtcli.errors import (
    ConfigError,
    ModelFolderError,
    MtcliError,
    in_backticks,
)
from mtcli.folders import check_readable, new_folder, read_manifest, write_json
from mtcli.interchange.ctranslate2.rounding import round_weights
from mtcli.interchange.ctranslate2.spec import build_spec, refuse_unsupported
from mtcli.interchange.outputs import folder_bytes, refuse_existing
from mtcli.interchange.verification import (
    Comparison,
    Progress,
    Sentences,
    compare,
    made_up_sentences,
    no_progress,
)
from mtcli.system.cores import num_cores
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.loaded_model import load_tokenizers

QUANTIZATIONS = ("float32", "int8", "int8_float32", "int16", "float16", "bfloat16")

EXACT_THRESHOLD = 0.98
"""Least agreement of an export in float32, which differs by the rounding of sums alone."""

ROUNDED_THRESHOLD = 0.3
"""Least agreement of any other: rounded weights change many a translation, and a weight in the
wrong place changes all."""


class VerificationError(MtcliError):
    """An export translates too differently from its model; it was not kept."""


@dataclass(frozen=True)
class ExportReport:
    """What was exported, and how well it translates."""

    folder: Path
    quantization: str
    model_bytes: int
    """Size of the weights in the model folder."""
    export_bytes: int
    """Size of the exported folder."""
    is_made_up: bool
    """Whether it was verified on lines of random pieces because no text was given."""
    comparison: Comparison


def export_ctranslate2(
    model: Path,
    *,
    output: Path | None = None,
    quantization: str = "int8",
    sentences: Sentences | None = None,
    threshold: float | None = None,
    progress: Progress = no_progress,
) -> ExportReport:
    """Export a model folder to CTranslate2, and keep the export if both translate alike.

    Args:
        model: the model folder.
        output: the folder to write; None: `ctranslate2` in the model folder, where translating
            finds it. Either translates by itself.
        quantization: one of QUANTIZATIONS.
        sentences: what both translate; None: lines of random pieces.
        threshold: least share of lines that both translate alike; None: EXACT_THRESHOLD for
            float32, ROUNDED_THRESHOLD for all else.
        progress: told how far the verification is.

    Raises:
        ConfigError: the package is not installed, or the architecture or the quantization cannot
            be exported.
        ModelFolderError: the model is damaged.
        RunFolderError: the output exists or cannot be written.
        VerificationError: the export translates too differently.
    """
    if quantization not in QUANTIZATIONS:
        raise ConfigError(
            f"`quantize` must be one of {in_backticks(QUANTIZATIONS)}, found `{quantization}`"
        )
    version = engine_version()
    bundle = read_model(model)
    refuse_unsupported(bundle.card.architecture)
    folder = output or model / CTRANSLATE2
    refuse_existing(folder)
    least = EXACT_THRESHOLD if quantization == "float32" else ROUNDED_THRESHOLD
    least = least if threshold is None else threshold
    with new_folder(folder) as temporary:
        _write(bundle, temporary, quantization)
        _copy_what_translating_needs(bundle, temporary)
        comparison = compare(bundle, temporary, sentences or made_up_sentences(bundle), progress)
        if comparison.agreement < least:
            raise VerificationError(_describe_failure(folder, quantization, comparison, least))
        record = _record(model, quantization, version, comparison)
        write_json(temporary / RECORD, dataclasses.asdict(record))
    return ExportReport(
        folder=folder,
        quantization=quantization,
        model_bytes=(model / WEIGHTS).stat().st_size,
        export_bytes=folder_bytes(folder),
        is_made_up=sentences is None,
        comparison=comparison,
    )


def _record(model: Path, quantization: str, version: str, comparison: Comparison) -> ExportRecord:
    """What is kept of an export, and of the comparison with its model."""
    return ExportRecord(
        quantization=quantization,
        weights_sha256=weights_sha256(model),
        engine_version=version,
        num_cores=num_cores(),
        beam_size=comparison.beam_size,
        num_lines=comparison.num_lines,
        agreement=comparison.agreement,
        torch_lines_per_s=comparison.torch_lines_per_s,
        splits=list(comparison.splits),
    )


def engine_version() -> str:
    """Version of the ctranslate2 package.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import ctranslate2
    except ImportError as error:
        raise ConfigError(f"cannot export to ctranslate2: {MISSING}", hint=INSTALL) from error
    return str(ctranslate2.__version__)


def _write(bundle: Bundle, folder: Path, quantization: str) -> None:
    """CTranslate2's own files."""
    src, tgt = load_tokenizers(bundle)
    spec = build_spec(bundle.card, bundle.weights(), _pieces(src), _pieces(tgt))
    round_weights(spec, quantization)
    spec.save(str(folder))


def _copy_what_translating_needs(bundle: Bundle, folder: Path) -> None:
    """Tokenizers, card and settings, so that the folder translates without the model's."""
    for name in read_manifest(bundle.path, ModelFolderError):
        if name != WEIGHTS and "/" not in name:
            check_readable(bundle.path / name, ModelFolderError)
            copyfile(bundle.path / name, folder / name)


def _pieces(tokenizer: Tokenizer) -> list[str]:
    return [tokenizer.id_to_piece(index) for index in range(tokenizer.vocab_size)]


def _describe_failure(
    folder: Path, quantization: str, comparison: Comparison, threshold: float
) -> str:
    return (
        f"{folder} was not kept: in {quantization} it translates {comparison.agreement:.1%} of"
        f" {comparison.num_lines} lines as the model does, which is below the threshold of"
        f" {threshold:.1%}"
    )
