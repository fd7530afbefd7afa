"""Read a Marian model, an npz file with its vocabularies, as a model of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.architecture import ModelConfig
from mtcli.interchange.foreign import ForeignModel, ForeignModelError, Languages, as_weight
from mtcli.interchange.marian import layout
from mtcli.interchange.marian.decoder import (
    decoder_leftovers,
    read_decoder_settings,
    read_generation,
)
from mtcli.interchange.marian.folding import NO_LOGIT, NORM_EPS
from mtcli.interchange.marian.npz import Npz
from mtcli.interchange.marian.settings import MODEL_YML, Settings
from mtcli.interchange.marian.vocabularies import Vocabularies, read_vocabularies
from mtcli.tokenizer.protocol import PAD_ID

_MAX_POSITIONS = 1024
"""Marian's sinusoids have no end, ours have one."""

_ACTIVATIONS = {"relu": "relu", "swish": "silu"}
_NORMS = {("", "dan", ""): "post", ("n", "da", "n"): "pre"}
"""Preprocess, postprocess and postprocess-top: d is dropout, a is add, n is norm."""

_FLOATS = ("f2", "f4", "f8")
_LARGEST_YML_BYTES = 2**20
_NO_LANGUAGE = "give `--src-lang` and `--tgt-lang`, for example `en` and `de`"


def read_marian(path: Path, languages: Languages) -> ForeignModel:
    """Read an npz file that Marian wrote, and the vocabularies in its folder.

    Args:
        path: the file.
        languages: of the model, which Marian's files do not name.

    Raises:
        ForeignModelError: a file is missing or damaged, or the model cannot be represented.
    """
    if languages.src is None or languages.tgt is None:
        side = "source" if languages.src is None else "target"
        raise ForeignModelError(f"{path} does not say its {side} language", hint=_NO_LANGUAGE)
    # 1. What the settings say.
    npz = Npz(path)
    settings = Settings(path, _text(npz))
    architecture, is_one = _read_architecture(settings)
    decoder = read_decoder_settings(path)
    generation = read_generation(decoder)
    # 2. What the files have: headers first, so that nothing is read that does not fit.
    vocabularies = read_vocabularies(path, decoder)
    sizes = _sizes(settings)
    _check_sizes(path, sizes, vocabularies)
    slots = list(layout.slots(architecture, *sizes, one_embedding=is_one))
    _check_arrays(npz, slots, omits_bias=settings.flag("output-omit-bias"))
    weights = {slot.ours: _take(npz, slot, vocabularies) for slot in slots}
    _start_from_nothing(weights)
    # 3. What the user should know.
    ignored, warnings = settings.leftovers()
    if is_one and architecture.tied_embeddings != "all":
        warnings.append(
            "both sides share one embedding (`tied-embeddings-src`), which becomes two copies:"
            " training moves them apart"
        )
    if architecture.norm_position == "pre":
        warnings.append(
            "a pre-norm model (`transformer-preprocess: n`) is what Marian's training and scorer"
            " compute since keys and values are normalized, too; its decoder differs from both, and"
            " so do models of older versions"
        )
    if decoder is not None:
        ignored_there, warnings_there = decoder_leftovers(decoder)
        ignored |= ignored_there
        warnings += warnings_there
    return ForeignModel(
        toolkit="Marian",
        card=ModelCard(
            src_lang=languages.src,
            tgt_lang=languages.tgt,
            architecture=architecture,
            src_vocab_size=len(vocabularies.src.pieces),
            tgt_vocab_size=len(vocabularies.tgt.pieces),
            shared_vocab=vocabularies.is_shared,
            max_src_length=architecture.max_positions - 1,
        ),
        weights=weights,
        tokenizers=vocabularies.files,
        generation=generation,
        taken=(
            f"architecture: {architecture.encoder_layers} encoder and"
            f" {architecture.decoder_layers} decoder layers, d_model {architecture.d_model},"
            f" {architecture.norm_position}-norm, from `{MODEL_YML}` of {path.name}",
            f"weights: {len(weights)} tensors from {path.name}",
            f"tokenizers: {len(vocabularies.src.pieces)} and {len(vocabularies.tgt.pieces)} pieces"
            f" from {vocabularies.described}",
            f"search: beam {generation.beam_size}, normalization {generation.normalization}, from "
            + ("mtcli's defaults" if decoder is None else decoder.path.name),
        ),
        ignored=ignored,
        warnings=tuple(warnings),
    )


def _text(npz: Npz) -> str:
    """The settings in the file."""
    header = npz.headers.get(MODEL_YML)
    if header is None:
        raise ForeignModelError(
            f"{npz.path} is not a model of Marian: it lacks `{MODEL_YML}`, its settings",
            hint="give the file that Marian's training wrote, for example `model.npz`",
        )
    if header.dtype not in ("i1", "u1") or len(header.shape) != 1:
        raise ForeignModelError(f"{npz.path} is damaged: `{MODEL_YML}` is not a text")
    if header.shape[0] > _LARGEST_YML_BYTES:
        raise ForeignModelError(f"{npz.path} is damaged: `{MODEL_YML}` has {header.shape[0]} bytes")
    try:
        return npz.take(MODEL_YML).tobytes().rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        raise ForeignModelError(f"{npz.path} is damaged: `{MODEL_YML}` is not UTF-8") from None


def _read_architecture(settings: Settings) -> tuple[ModelConfig, bool]:
    """The architecture, and whether one array is the embedding of both sides."""
    settings.refuse_others()
    activation = settings.text("transformer-ffn-activation", "swish")
    if activation not in _ACTIVATIONS:
        names = " or ".join(f"`{name}`" for name in _ACTIVATIONS)
        raise settings.wrong(
            "transformer-ffn-activation", f"cannot be represented: only {names} can"
        )
    pre, post, top = (
        settings.text(f"transformer-{name}", default)
        for name, default in (("preprocess", ""), ("postprocess", "dan"), ("postprocess-top", ""))
    )
    if (norm := _NORMS.get((pre.replace("d", ""), post, top))) is None:
        raise settings.wrong(
            "transformer-postprocess",
            f"with preprocess `{pre}` and postprocess-top `{top}` cannot be represented: only `dan`"
            " alone, or `da` with `n` and `n`, can",
        )
    ties_all, ties_src = settings.flag("tied-embeddings-all"), settings.flag("tied-embeddings-src")
    ties_output = settings.flag("tied-embeddings") or ties_all
    is_one = ties_all or ties_src
    d_ff = settings.whole("transformer-dim-ffn", least=1)
    values: dict[str, Any] = {
        "d_model": settings.whole("dim-emb", least=1),
        "encoder_layers": settings.whole("enc-depth", least=1),
        "decoder_layers": settings.whole("dec-depth", least=1),
        "num_heads": settings.whole("transformer-heads", least=1),
        "d_ff": d_ff,
        "decoder_d_ff": settings.whole("transformer-decoder-dim-ffn", 0) or d_ff,
        "norm_position": norm,
        "norm_eps": NORM_EPS,
        "activation": _ACTIVATIONS[activation],
        "positions": "sinusoidal_marian",
        "max_positions": _MAX_POSITIONS,
        "tied_embeddings": "none" if not ties_output else "all" if is_one else "decoder",
        "output_bias": True,
        "target_start": "pad",
    }
    return _checked(settings.path, values), is_one


def _checked(path: Path, values: dict[str, Any]) -> ModelConfig:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(ModelConfig).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        raise ForeignModelError(
            f"{path} describes a model that cannot be represented: {first}"
        ) from None


def _sizes(settings: Settings) -> tuple[int, int]:
    sizes = settings.get("dim-vocabs")
    if (
        not isinstance(sizes, list)
        or len(sizes) != 2
        or not all(type(size) is int and size > 1 for size in sizes)
    ):
        raise settings.wrong("dim-vocabs", "must be two numbers of pieces, of source and target")
    return sizes[0], sizes[1]


def _check_sizes(path: Path, sizes: tuple[int, int], vocabularies: Vocabularies) -> None:
    for side, size, vocabulary in zip(
        ("source", "target"), sizes, (vocabularies.src, vocabularies.tgt), strict=True
    ):
        found = int((vocabulary.rows >= 0).sum())
        if found != size:
            raise ForeignModelError(
                f"the {side} vocabulary ({vocabularies.described}) has {found} pieces, but"
                f" `dim-vocabs` of {path} asks for {size}",
                hint="put the vocabulary that the model was trained with next to the model",
            )


def _check_arrays(npz: Npz, slots: list[layout.Slot], *, omits_bias: bool) -> None:
    """Every array has a place, every place has an array, and they have one shape."""
    placed = {MODEL_YML}
    for slot in slots:
        placed.add(slot.theirs)
        header = npz.headers.get(slot.theirs)
        if header is None:
            if slot.theirs == layout.BIAS and omits_bias:
                continue
            raise ForeignModelError(f"{npz.path} lacks `{slot.theirs}`, which its settings ask for")
        if header.shape != slot.shape:
            raise ForeignModelError(
                f"{npz.path} stores `{slot.theirs}` as {list(header.shape)}, but its settings ask"
                f" for {list(slot.shape)}"
            )
        if header.dtype not in _FLOATS:
            raise ForeignModelError(
                f"{npz.path} stores `{slot.theirs}` in the type {header.dtype}, but weights must be"
                " floating-point numbers",
                hint="give the model that this was quantized from",
            )
    if odd := sorted(npz.headers.keys() - placed):
        raise ForeignModelError(f"{npz.path} has `{odd[0]}`, for which mtcli has no place")


def _take(npz: Npz, slot: layout.Slot, vocabularies: Vocabularies) -> np.ndarray:
    """One weight, as ours."""
    if slot.theirs not in npz.headers:  # a bias that the settings omit
        array = np.zeros(slot.shape, np.float32)
    else:
        array = as_weight(npz.take(slot.theirs), slot.theirs, npz.path)
    if slot.is_transposed:
        array = np.ascontiguousarray(array.T)
    elif slot.shape[0] == 1:
        array = array.reshape(-1)
    if slot.side is None:
        return array
    return (vocabularies.src if slot.side == "src" else vocabularies.tgt).take(array)


def _start_from_nothing(weights: dict[str, np.ndarray]) -> None:
    """Padding, which the decoder reads first, is zeros, as Marian's first input is."""
    for name in ("shared_embed.weight", "src_embed.weight", "tgt_embed.weight"):
        if name in weights:
            weights[name][PAD_ID] = 0
    weights["output_bias"][PAD_ID] = NO_LOGIT
