"""The record of an export in a model folder: what was exported, and how fast it ran."""

from __future__ import annotations

from pathlib import Path

from mtcli.bundle.card import read_checked
from mtcli.bundle.model_folder import EXPORT_RECORD, README, WEIGHTS, Bundle, verified_memory
from mtcli.config.schema.bounds import Fraction, NotNegativeFloat, Positive
from mtcli.config.schema.sections import section
from mtcli.errors import ModelFolderError
from mtcli.folders import FORMAT_VERSION, MANIFEST, read_manifest, verify_files

CTRANSLATE2 = "ctranslate2"
"""Folder of the export in the model folder."""

RECORD = EXPORT_RECORD
"""File of the export that holds an `ExportRecord`."""


@section
class ThreadSplit:
    """The speed of one split of the cores."""

    inter_threads: Positive
    """Batches translated at once."""
    intra_threads: Positive
    """Threads of each."""
    lines_per_s: NotNegativeFloat
    """Lines translated a second, without tokenizing."""


@section
class ExportRecord:
    """The record of an export: its source and its measurements."""

    format_version: Positive = FORMAT_VERSION
    """Version of this file's format."""
    quantization: str
    """Type in which the weights are stored."""
    weights_sha256: str
    """SHA-256 of the `model.safetensors` that was exported."""
    engine_version: str
    """Version of the ctranslate2 package that wrote it."""
    num_cores: Positive
    """Cores of the machine that it was measured on."""
    beam_size: Positive
    """Beam of the measurement."""
    num_lines: Positive
    """Lines of the measurement."""
    agreement: Fraction
    """Share of the lines that the torch engine translates alike."""
    torch_lines_per_s: NotNegativeFloat
    """Lines translated a second by the torch engine on these cores."""
    splits: list[ThreadSplit]
    """The splits that were measured, fastest first."""

    @property
    def fastest(self) -> ThreadSplit:
        """The fastest split."""
        return self.splits[0]


def export_folder(bundle: Bundle) -> Path:
    """Where the model's export is: in the model folder, or that folder itself."""
    return bundle.path if bundle.is_export else bundle.path / CTRANSLATE2


def read_export(bundle: Bundle) -> ExportRecord | None:
    """The record of the model's export, whose files are checked; None if there is no export.

    Raises:
        ModelFolderError: the export is damaged, or was made from other weights.
    """
    folder = export_folder(bundle)
    if not (folder / RECORD).is_file():
        return None
    entries = read_manifest(folder, ModelFolderError)
    # all that CTranslate2 reads; people may edit the README of an export that stands alone
    names = dict.fromkeys([RECORD, *(name for name in entries if name != README)])
    verify_files(folder, entries, names, error=ModelFolderError, memory=verified_memory())
    record = read_checked(folder / RECORD, ExportRecord)
    if not record.splits:
        raise ModelFolderError(f"{folder / RECORD} is damaged: it lists no thread split")
    if not bundle.is_export and record.weights_sha256 != weights_sha256(bundle.path):
        raise ModelFolderError(
            f"{folder} was exported from other weights than {bundle.path / WEIGHTS}",
            hint=f"remove {folder}, then run `mtcli export` again",
        )
    return record


def weights_sha256(model: Path) -> str:
    """SHA-256 of a model folder's weights, as its manifest has it.

    Raises:
        ModelFolderError: the manifest is damaged.
    """
    entry = read_manifest(model, ModelFolderError).get(WEIGHTS)
    if entry is None:
        raise ModelFolderError(f"{model / MANIFEST} is damaged: it does not list `{WEIGHTS}`")
    return str(entry["sha256"])
