"""The names of weights in Hugging Face's `MarianMTModel` and `M2M100ForConditionalGeneration`.

Source: transformers 5.24, models/marian/modeling_marian.py and models/m2m_100/modeling_m2m_100.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from mtcli.config.schema.architecture import ModelConfig, StackShape

Shape: TypeAlias = tuple[int, ...]
Side: TypeAlias = Literal["src", "tgt"]


class Slot(NamedTuple):
    """One weight, here and there."""

    ours: str
    theirs: tuple[str, ...]
    """Names of the same weight; a file has one of them or more."""
    shape: Shape
    """Over there."""
    side: Side | None = None
    """Whose vocabulary numbers its rows, if any does."""


SHARED = "model.shared.weight"
SRC_EMBED, TGT_EMBED = "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"
OUTPUT = "lm_head.weight"
BIAS = "final_logits_bias"
POSITIONS = {
    "src": "model.encoder.embed_positions.weight",
    "tgt": "model.decoder.embed_positions.weight",
}

_BLOCKS = {
    "self_attn": ("self_attn", "self_attn_layer_norm"),
    "cross_attn": ("encoder_attn", "encoder_attn_layer_norm"),
}


def slots(config: ModelConfig, src_size: int, tgt_size: int) -> Iterator[Slot]:
    """Every weight of an architecture that has biases, LayerNorm and no gates."""
    width = config.d_model
    match config.tied_embeddings:
        case "all":
            names = (SHARED, SRC_EMBED, TGT_EMBED, OUTPUT)
            yield Slot("shared_embed.weight", names, (tgt_size, width), "tgt")
        case "decoder":
            yield Slot("src_embed.weight", (SRC_EMBED,), (src_size, width), "src")
            yield Slot("tgt_embed.weight", (TGT_EMBED, OUTPUT), (tgt_size, width), "tgt")
        case "none":
            yield Slot("src_embed.weight", (SRC_EMBED,), (src_size, width), "src")
            yield Slot("tgt_embed.weight", (TGT_EMBED,), (tgt_size, width), "tgt")
            yield Slot("output_proj.weight", (OUTPUT,), (tgt_size, width), "tgt")
    if config.output_bias:
        yield Slot("output_bias", (BIAS,), (1, tgt_size), "tgt")
    if config.positions == "learned":
        for side, name in POSITIONS.items():
            yield Slot(f"{side}_positions.table_PD", (name,), (config.max_positions, width))
    yield from _stack("encoder", config, config.encoder_shape, ("self_attn",))
    yield from _stack("decoder", config, config.decoder_shape, ("self_attn", "cross_attn"))


def _stack(
    name: str, config: ModelConfig, shape: StackShape, attentions: tuple[str, ...]
) -> Iterator[Slot]:
    width = shape.d_model
    for index in range(shape.num_layers):
        ours, theirs = f"{name}.layers.{index}", f"model.{name}.layers.{index}"
        for attention in attentions:
            block, norm = _BLOCKS[attention]
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                yield from _linear(
                    f"{ours}.{attention}.{part}", f"{theirs}.{block}.{part}", width, width
                )
            yield from _norm(f"{ours}.{attention}_residual.norm", f"{theirs}.{norm}", width)
        yield from _linear(f"{ours}.feed_forward.in_proj", f"{theirs}.fc1", shape.d_ff, width)
        yield from _linear(f"{ours}.feed_forward.out_proj", f"{theirs}.fc2", width, shape.d_ff)
        yield from _norm(f"{ours}.feed_forward_residual.norm", f"{theirs}.final_layer_norm", width)
    if config.norm_position == "pre":
        yield from _norm(f"{name}.final_norm", f"model.{name}.layer_norm", width)


def _linear(ours: str, theirs: str, num_out: int, num_in: int) -> Iterator[Slot]:
    yield Slot(f"{ours}.weight", (f"{theirs}.weight",), (num_out, num_in))
    yield Slot(f"{ours}.bias", (f"{theirs}.bias",), (num_out,))


def _norm(ours: str, theirs: str, width: int) -> Iterator[Slot]:
    yield Slot(f"{ours}.weight", (f"{theirs}.weight",), (width,))
    yield Slot(f"{ours}.bias", (f"{theirs}.bias",), (width,))
