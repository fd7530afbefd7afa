"""Compare the card of a model folder with the header of its weights, before anything is built.

A stranger's card may ask for a billion layers: building the model first, and comparing it with the
weights then, would not end. So names and shapes follow from the card here, one by one, and the
first that the file does not have ends the comparison.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.architecture import ModelConfig, StackShape
from mtcli.errors import ModelFolderError
from mtcli.folders import check_readable, read_start

Shape: TypeAlias = tuple[int, ...]

_DTYPES = ("F32", "F16", "F64")
"""Types of weights, as safetensors names them; mtcli writes the first."""

_LARGEST_HEADER_BYTES = 8 * 2**20
"""That of a model with 1,000 layers on each side has 6 MB."""

_LARGEST_TABLES_BYTES = 128 * 2**20
"""Position tables that are computed, not stored, may have this and the size of the weights: 16,000
positions of a model of width 1024."""


class StoredWeight(NamedTuple):
    """What the header of a safetensors file says of a tensor."""

    dtype: str
    shape: Shape


def check_stored_weights(path: Path, card: ModelCard) -> None:
    """Check that a safetensors file has the weights that the card asks for, and no others.

    Only the header of the file is read.

    Raises:
        ModelFolderError: it is unreadable or damaged, or has other names, shapes or types.
    """
    stored = read_header(path)
    num_wanted = 0
    for name, shape in weight_shapes(card):
        num_wanted += 1
        weight = stored.get(name)
        if weight is None:
            raise ModelFolderError(f"{path} lacks `{name}`, which `model.json` asks for")
        if weight.shape != shape:
            raise ModelFolderError(
                f"{path} stores `{name}` as {list(weight.shape)}, but `model.json` asks for"
                f" {list(shape)}"
            )
        if weight.dtype not in _DTYPES:
            raise ModelFolderError(
                f"{path} stores `{name}` in the type {weight.dtype}, but weights must be one of"
                f" {', '.join(_DTYPES)}"
            )
    if num_wanted < len(stored):
        wanted = {name for name, _ in weight_shapes(card)}
        odd = next(name for name in stored if name not in wanted)
        raise ModelFolderError(f"{path} has `{odd}`, which `model.json` does not ask for")
    _check_tables(path, card.architecture)


def read_header(path: Path) -> dict[str, StoredWeight]:
    """Types and shapes of the tensors in a safetensors file, by name.

    Raises:
        ModelFolderError: the file is unreadable or damaged.
    """
    from safetensors import SafetensorError, safe_open

    check_readable(path, ModelFolderError)
    try:
        (num_bytes,) = struct.unpack("<Q", read_start(path, 8).ljust(8, b"\0"))
        if num_bytes > _LARGEST_HEADER_BYTES:
            raise ModelFolderError(
                f"{path} is damaged and cannot be read (its header has {num_bytes} bytes)"
            )
        with safe_open(path, framework="numpy") as tensors:
            slices = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118
            return {
                name: StoredWeight(str(part.get_dtype()), tuple(part.get_shape()))
                for name, part in slices.items()
            }
    except (SafetensorError, OSError) as error:
        raise ModelFolderError(f"{path} is damaged and cannot be read ({error})") from error


def weight_shapes(card: ModelCard) -> Iterator[tuple[str, Shape]]:
    """The name and the shape of every weight that the card asks for: those of `Seq2Seq`."""
    config, width = card.architecture, card.architecture.d_model
    if config.tied_embeddings == "all":
        yield "shared_embed.weight", (card.tgt_vocab_size, width)
    else:
        yield "src_embed.weight", (card.src_vocab_size, width)
        yield "tgt_embed.weight", (card.tgt_vocab_size, width)
    if config.tied_embeddings == "none":
        yield "output_proj.weight", (card.tgt_vocab_size, width)
    if config.output_bias:
        yield "output_bias", (card.tgt_vocab_size,)
    if config.positions == "learned":
        for side in ("src", "tgt"):
            yield f"{side}_positions.table_PD", (config.max_positions, width)
    yield from _stack("encoder", config, config.encoder_shape, ("self_attn",))
    yield from _stack("decoder", config, config.decoder_shape, ("self_attn", "cross_attn"))


def _stack(
    name: str, config: ModelConfig, shape: StackShape, attentions: tuple[str, ...]
) -> Iterator[tuple[str, Shape]]:
    """The weights of the encoder or of the decoder."""
    for index in range(shape.num_layers):
        layer = f"{name}.layers.{index}"
        for attention in attentions:
            block = f"{layer}.{attention}"
            yield from _linear(f"{block}.q_proj", shape.q_width, shape.d_model, config)
            yield from _linear(f"{block}.k_proj", shape.kv_width, shape.d_model, config)
            yield from _linear(f"{block}.v_proj", shape.kv_width, shape.d_model, config)
            yield from _linear(f"{block}.out_proj", shape.d_model, shape.q_width, config)
            yield from _norm(f"{block}_residual.norm", config)
        block = f"{layer}.feed_forward"
        yield from _linear(f"{block}.in_proj", shape.d_ff, shape.d_model, config)
        if config.gated:
            yield from _linear(f"{block}.gate_proj", shape.d_ff, shape.d_model, config)
        yield from _linear(f"{block}.out_proj", shape.d_model, shape.d_ff, config)
        yield from _norm(f"{block}_residual.norm", config)
    if config.norm_position == "pre":
        yield from _norm(f"{name}.final_norm", config)


def _linear(
    name: str, num_out: int, num_in: int, config: ModelConfig
) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (num_out, num_in)
    if config.bias:
        yield f"{name}.bias", (num_out,)


def _norm(name: str, config: ModelConfig) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (config.d_model,)
    if config.bias and config.norm == "layer":
        yield f"{name}.bias", (config.d_model,)


def _check_tables(path: Path, config: ModelConfig) -> None:
    """Refuse position tables that are computed and beyond all proportion to the weights."""
    if config.positions == "learned":
        return
    is_rotary = config.positions == "rotary"
    width = config.encoder_shape.head_dim if is_rotary else config.d_model
    num_tables = 4 if is_rotary else 2  # sines and cosines, or both in one; of both stacks
    num_bytes = 4 * num_tables * config.max_positions * width
    if num_bytes > _LARGEST_TABLES_BYTES + path.stat().st_size:
        raise ModelFolderError(
            f"{path.parent} is invalid: `max_positions` of `model.json` is"
            f" {config.max_positions}, which takes {num_bytes} bytes of tables"
        )
