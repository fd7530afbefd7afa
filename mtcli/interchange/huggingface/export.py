"""Write a model folder as a model of Hugging Face, and verify it before it is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtcli.bundle.model_folder import WEIGHTS, Bundle, read_model
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.compat import class_of, misfits
from mtcli.errors import ConfigError
from mtcli.folders import new_folder, write_json
from mtcli.interchange.foreign import Languages
from mtcli.interchange.foreign_export import (
    THRESHOLD,
    ForeignExportReport,
    ForeignVerificationError,
    check_agreement,
)
from mtcli.interchange.huggingface import layout
from mtcli.interchange.huggingface.source import read_huggingface
from mtcli.interchange.huggingface.tokenizer_files import (
    has_target_tags,
    language_codes,
    write_m2m100_tokenizer,
    write_marian_tokenizer,
)
from mtcli.interchange.huggingface.verification import compare_with_transformers
from mtcli.interchange.huggingface.written import config_values, generation_values, sides_of
from mtcli.interchange.outputs import folder_bytes, refuse_existing
from mtcli.interchange.verification import Progress, Sentences, made_up_sentences, no_progress
from mtcli.translating.loaded_model import load_tokenizers


def export_huggingface(
    model: Path,
    output: Path,
    *,
    sentences: Sentences | None = None,
    threshold: float = THRESHOLD,
    progress: Progress = no_progress,
) -> ForeignExportReport:
    """Export a model folder to a folder that `transformers` loads.

    Post-norm models become a `MarianMTModel`, pre-norm ones an `M2M100ForConditionalGeneration`,
    both with a `MarianTokenizer`, or an `M2M100Tokenizer` if tags name the target languages.

    If `transformers` is installed, both translate the same lines; if not, the export is read back.

    Args:
        model: the model folder.
        output: the folder to write.
        sentences: what both translate; None: lines of random pieces.
        threshold: least share of lines that both translate alike.
        progress: told how far the verification is.

    Raises:
        ConfigError: the architecture cannot be exported.
        ModelFolderError: the model is damaged.
        RunFolderError: the output exists or cannot be written.
        ForeignVerificationError: the export translates too differently.
    """
    bundle = read_model(model)
    refuse_unsupported(bundle.card.architecture)
    if has_target_tags(bundle.card):
        language_codes(bundle)
    refuse_existing(output)
    with new_folder(output, manifest=False) as temporary:
        warnings = _write(bundle, temporary)
        _read_back(bundle, temporary)
        lines = sentences or made_up_sentences(bundle)
        version, agreement = compare_with_transformers(bundle, temporary, lines, progress)
        if agreement is not None:
            check_agreement(output, agreement, "`transformers`", threshold)
    return ForeignExportReport(
        folder=output,
        toolkit=f"Hugging Face ({class_of(bundle.card.architecture)})",
        model_bytes=(model / WEIGHTS).stat().st_size,
        export_bytes=folder_bytes(output),
        is_made_up=sentences is None,
        verified_with=version,
        agreement=agreement,
        install="pip install 'transformers>=5.20,<6'",
        warnings=warnings,
    )


def refuse_unsupported(config: ModelConfig) -> None:
    """Refuse architectures that no class over there computes.

    Raises:
        ConfigError: the architecture cannot be exported.
    """
    if wrong := list(misfits(config)):
        raise ConfigError(
            f"the model cannot be exported to huggingface: `{class_of(config)}` has no "
            + ", no ".join(map(str, wrong)),
            hint="use the model as it is, or export it to ctranslate2; `compat: huggingface` trains"
            " one that can be exported",
        )


def _write(bundle: Bundle, folder: Path) -> tuple[str, ...]:
    """All files; returns what the user should know."""
    from safetensors.numpy import save_file

    card = bundle.card
    tokenizers = load_tokenizers(bundle)
    src, tgt = sides_of(*tokenizers, card.architecture)
    weights = bundle.weights()
    arrays: dict[str, np.ndarray] = {}
    for slot in layout.slots(card.architecture, len(src.pieces), len(tgt.pieces)):
        array = weights[slot.ours]
        if slot.side is not None:
            array = array[(src if slot.side == "src" else tgt).rows]
        arrays[slot.theirs[0]] = np.ascontiguousarray(array.reshape(slot.shape))
    if card.architecture.norm_position == "post" and not card.architecture.output_bias:
        arrays[layout.BIAS] = np.zeros((1, len(tgt.pieces)), dtype=np.float32)
    if card.architecture.positions == "sinusoidal_marian":
        from mtcli.model.positions import fixed_table  # here, because it imports torch

        table = fixed_table(card.architecture).numpy()
        arrays |= {name: table.copy() for name in layout.POSITIONS.values()}
    save_file(arrays, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", config_values(card.architecture, src, tgt))
    write_json(
        folder / "generation_config.json",
        generation_values(card, bundle.generation, tgt),
    )
    if has_target_tags(card):
        write_m2m100_tokenizer(bundle, folder, tgt)
    else:
        write_marian_tokenizer(bundle, folder, src, tgt)
    return tuple(_warnings(bundle))


def _warnings(bundle: Bundle) -> list[str]:
    warnings = []
    if bundle.card.src_normalization == "nfc":
        warnings.append(
            "`MarianTokenizer` does not normalize text by `nfc`: give it text that is normalized"
        )
    if bundle.generation.normalization == "gnmt":
        warnings.append(
            "the length penalty of the model has the form `gnmt`, which `transformers` lacks:"
            " translations are ranked by the mean log-probability there"
        )
    return warnings


def _read_back(bundle: Bundle, folder: Path) -> None:
    """What an import makes of the export must be the model, weight by weight.

    Raises:
        ForeignVerificationError: it is another one.
    """
    card = bundle.card
    languages = Languages() if card.languages else Languages(card.src_lang, card.tgt_lang)
    again = read_huggingface(folder, languages)
    expected = bundle.weights()
    if card.architecture.output_bias and not expected["output_bias"].any():
        del expected["output_bias"]
    for name, array in expected.items():
        found = again.weights.get(name)
        if found is None or not np.array_equal(found, array):
            raise ForeignVerificationError(f"the export was not kept: its `{name}` is another one")
