"""Read a folder of Hugging Face's `MarianMTModel` or `M2M100ForConditionalGeneration`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtcli.bundle.card import LanguageTags, ModelCard
from mtcli.bundle.languages import MULTIPLE
from mtcli.config.schema.architecture import FEWEST_SPACED_COLUMNS, ModelConfig
from mtcli.interchange.foreign import ForeignModel, ForeignModelError, Languages
from mtcli.interchange.huggingface import layout
from mtcli.interchange.huggingface.architecture import (
    CLASSES,
    read_architecture,
    read_class,
    read_generation,
    read_ids,
)
from mtcli.interchange.huggingface.languages import choose_languages
from mtcli.interchange.huggingface.multilingual import read_multilingual
from mtcli.interchange.huggingface.settings import Settings
from mtcli.interchange.huggingface.stored import StoredTensors
from mtcli.interchange.huggingface.vocabularies import Vocabularies, read_marian
from mtcli.tokenizer.protocol import UNK_ID

if TYPE_CHECKING:
    from mtcli.interchange.huggingface.architecture import ForeignIds

_TABLE_TOLERANCE = 1e-5
"""Largest difference of a stored table of sinusoids from ours, by rounding."""


def read_huggingface(folder: Path, languages: Languages) -> ForeignModel:
    """Read a folder that `save_pretrained` of `transformers` wrote.

    Args:
        folder: it.
        languages: those that its files do not name.

    Raises:
        ForeignModelError: a file is missing or damaged, or the model cannot be represented.
    """
    # 1. What the settings say.
    config = Settings(folder / "config.json")
    kind = read_class(config)
    ids = read_ids(config, kind)
    architecture = read_architecture(config, kind, ids)
    src_size = config.whole("vocab_size", least=5)
    tgt_size = config.whole("decoder_vocab_size", src_size, least=5)
    files = [config]
    if (folder / "generation_config.json").exists():
        files.insert(0, Settings(folder / "generation_config.json"))
        _check_same_ids(files[0], ids)
    # 2. What the files have: headers first, so that nothing is read that does not fit.
    tensors = StoredTensors(folder, CLASSES[kind])
    architecture = _settled(tensors, architecture)
    slots = list(layout.slots(architecture, src_size, tgt_size))
    _check_names(tensors, slots, architecture)
    vocabularies = _read_vocabularies(folder, kind, ids, (src_size, tgt_size))
    architecture, weights = _read_weights(tensors, slots, architecture, vocabularies)
    forbidden_ids = [int(vocabularies.tgt.rows[UNK_ID])]
    if architecture.target_start == "bos":
        forbidden_ids.append(ids.start)
    src_lang, tgt_lang = choose_languages(folder, languages, vocabularies, files)
    generation = read_generation(
        files, ids, forbidden_ids, architecture.max_positions, vocabularies.num_tgt_tags
    )
    # 3. The report.
    ignored: dict[str, str] = {}
    warnings: list[str] = []
    for file in files:
        reasons, unknown = file.leftovers()
        ignored |= reasons
        warnings += unknown
    return ForeignModel(
        toolkit=f"Hugging Face ({CLASSES[kind]})",
        card=ModelCard(
            src_lang=src_lang,
            tgt_lang=tgt_lang,
            languages=vocabularies.tags,
            architecture=architecture,
            src_vocab_size=src_size,
            tgt_vocab_size=tgt_size,
            shared_vocab=vocabularies.is_shared,
            max_src_length=architecture.max_positions - 1,
        ),
        weights=weights,
        tokenizers=vocabularies.files,
        generation=generation,
        taken=(
            f"architecture: {_described(architecture)} from config.json",
            f"weights: {len(weights)} tensors from {tensors.described}",
            *vocabularies.taken,
            *_described_languages(vocabularies.tags, src_lang, tgt_lang),
            f"search: beam {generation.beam_size}, length penalty {generation.length_penalty:g},"
            f" at most {generation.max_length} pieces from {files[0].path.name}",
        ),
        ignored=ignored,
        warnings=tuple(warnings),
    )


def _check_same_ids(generation: Settings, ids: ForeignIds) -> None:
    """The search must use the ids of the model."""
    for key, piece_id in (
        ("pad_token_id", ids.pad),
        ("eos_token_id", ids.eos),
        ("decoder_start_token_id", ids.start),
    ):
        value = generation.get(key)
        if value is not None and value not in (piece_id, [piece_id]):
            raise generation.wrong(key, f"must be {piece_id}, as in config.json")


def _settled(tensors: StoredTensors, config: ModelConfig) -> ModelConfig:
    """The architecture with what only the files say."""
    config = _with_stored_positions(tensors, config)
    has_bias = layout.BIAS in tensors.headers
    return config if has_bias else replace(config, output_bias=False)


def _read_weights(
    tensors: StoredTensors,
    slots: list[layout.Slot],
    config: ModelConfig,
    vocabularies: Vocabularies,
) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """The weights; a bias that is zero everywhere is none."""
    weights: dict[str, np.ndarray] = {}
    for slot in slots:
        array = _take(tensors, slot)
        if slot.side is not None:
            array = array.reshape(-1) if slot.ours == "output_bias" else array
            array = getattr(vocabularies, slot.side).take(array)
        weights[slot.ours] = array
    if config.output_bias and not weights["output_bias"].any():
        del weights["output_bias"]
        config = replace(config, output_bias=False)
    return config, weights


def _with_stored_positions(tensors: StoredTensors, config: ModelConfig) -> ModelConfig:
    """The positions whose tables the file has: sinusoids of the one kind or the other, or learned
    ones.
    """
    names = [name for name in layout.POSITIONS.values() if name in tensors.headers]
    if config.norm_position == "pre" or not names:
        return config
    from mtcli.model.positions import fixed_table  # here, because it imports torch

    for name in names:
        tensors.check_shape(name, (config.max_positions, config.d_model), "config.json")
    tables = [tensors.take(name) for name in names]
    kinds = [config]
    if config.d_model >= FEWEST_SPACED_COLUMNS:
        kinds.append(replace(config, positions="sinusoidal_marian"))
    for kind in kinds:
        expected = fixed_table(kind).numpy()
        if all(np.abs(table - expected).max() <= _TABLE_TOLERANCE for table in tables):
            return kind
    return replace(config, positions="learned")


def _check_names(tensors: StoredTensors, slots: list[layout.Slot], config: ModelConfig) -> None:
    """Every tensor has a place, every place has a tensor, and they have one shape."""
    placed = set() if config.positions == "learned" else set(layout.POSITIONS.values())
    if config.norm_position == "pre":
        placed |= {f"{name}s" for name in placed}  # as old versions stored them
    if config.tied_embeddings != "all":
        placed.add(layout.SHARED)
    for slot in slots:
        stored = [name for name in slot.theirs if name in tensors.headers]
        if not stored:
            raise ForeignModelError(
                f"{tensors.described} lacks `{slot.theirs[0]}`, which config.json asks for"
            )
        for name in stored:
            tensors.check_shape(name, slot.shape, "config.json")
        placed |= set(slot.theirs)
    if odd := sorted(tensors.headers.keys() - placed):
        raise ForeignModelError(f"{tensors.described} has `{odd[0]}`, for which mtcli has no place")


def _take(tensors: StoredTensors, slot: layout.Slot) -> np.ndarray:
    """One weight; copies of a tied one must be equal."""
    stored = [name for name in slot.theirs if name in tensors.headers]
    array = tensors.take(stored[0])
    for name in stored[1:]:
        if not np.array_equal(array, tensors.take(name)):
            raise ForeignModelError(
                f"{tensors.described} has different values in `{stored[0]}` and `{name}`, which"
                " config.json ties"
            )
    return array


def _read_vocabularies(
    folder: Path, kind: str, ids: ForeignIds, sizes: tuple[int, int]
) -> Vocabularies:
    """The tokenizers: M2M100 may have those of Marian, too."""
    if kind == "m2m_100" and not (folder / "source.spm").exists():
        return read_multilingual(folder, ids, sizes[0])
    return read_marian(folder, ids, sizes)


def _described_languages(tags: LanguageTags | None, src: str, tgt: str) -> Iterator[str]:
    if tags is not None:
        default = (
            "chosen with `--src-lang` and `--tgt-lang`"
            if MULTIPLE in (src, tgt)
            else (f"{src}-{tgt} unless others are chosen")
        )
        yield f"languages: {len(tags.src) or 1} to {len(tags.tgt)}, {default}"


def _described(config: ModelConfig) -> str:
    return ", ".join(_facts(config))


def _facts(config: ModelConfig) -> Iterator[str]:
    yield f"{config.encoder_layers} + {config.decoder_layers} layers of {config.d_model}"
    yield f"{config.norm_position}-norm, {config.activation}"
    yield f"{config.positions} positions"
    yield "scaled embeddings" if config.scale_embeddings else "embeddings not scaled"
    yield f"embeddings tied: {config.tied_embeddings}"
    yield "with output bias" if config.output_bias else "without output bias"
    yield f"decoder starts with {config.target_start}"
