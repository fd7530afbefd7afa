"""The names and shapes of the arrays of a Marian transformer, and of our weights for them.

Source: marian-dev v1.12.42, src/models/transformer.h; matrices are (inputs, outputs) there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from mtcli.config.schema.architecture import ModelConfig, StackShape

Shape: TypeAlias = tuple[int, ...]
Side: TypeAlias = Literal["src", "tgt"]

SHARED, SRC_EMBED, TGT_EMBED = "Wemb", "encoder_Wemb", "decoder_Wemb"
OUTPUT, BIAS = "decoder_ff_logit_out_W", "decoder_ff_logit_out_b"


class Slot(NamedTuple):
    """One weight, here and there."""

    ours: str
    theirs: str
    shape: Shape
    """Over there."""
    is_transposed: bool = False
    """Whether their rows are our columns."""
    side: Side | None = None
    """Whose vocabulary numbers our rows, if any does."""


def slots(
    config: ModelConfig, src_size: int, tgt_size: int, *, one_embedding: bool
) -> Iterator[Slot]:
    """Every weight that an architecture has.

    Args:
        config: the architecture.
        src_size: pieces of the source over there.
        tgt_size: pieces of the target.
        one_embedding: whether both sides have the array `Wemb`.
    """
    width = config.d_model
    if config.tied_embeddings == "all":
        yield Slot("shared_embed.weight", SHARED, (tgt_size, width), side="tgt")
    else:
        src, tgt = (SHARED, SHARED) if one_embedding else (SRC_EMBED, TGT_EMBED)
        yield Slot("src_embed.weight", src, (src_size, width), side="src")
        yield Slot("tgt_embed.weight", tgt, (tgt_size, width), side="tgt")
    if config.tied_embeddings == "none":
        yield Slot("output_proj.weight", OUTPUT, (width, tgt_size), is_transposed=True, side="tgt")
    if config.output_bias:
        yield Slot("output_bias", BIAS, (1, tgt_size), side="tgt")
    yield from _stack("encoder", config, config.encoder_shape, {"self_attn": "self"})
    attentions = {"self_attn": "self", "cross_attn": "context"}
    yield from _stack("decoder", config, config.decoder_shape, attentions)


def _stack(
    name: str, config: ModelConfig, shape: StackShape, attentions: dict[str, str]
) -> Iterator[Slot]:
    suffix = "_pre" if config.norm_position == "pre" else ""
    for index in range(shape.num_layers):
        ours, theirs = f"{name}.layers.{index}", f"{name}_l{index + 1}"
        for attention, other in attentions.items():
            for letter in "qkv":
                yield from _linear(
                    f"{ours}.{attention}.{letter}_proj",
                    f"{theirs}_{other}",
                    letter,
                    (shape.d_model,) * 2,
                )
            yield from _linear(
                f"{ours}.{attention}.out_proj", f"{theirs}_{other}", "o", (shape.d_model,) * 2
            )
            norm = f"{ours}.{attention}_residual.norm"
            yield from _norm(norm, f"{theirs}_{other}_Wo_ln", suffix, shape.d_model)
        widths = (shape.d_model, shape.d_ff)
        yield from _linear(f"{ours}.feed_forward.in_proj", f"{theirs}_ffn", "1", widths)
        yield from _linear(f"{ours}.feed_forward.out_proj", f"{theirs}_ffn", "2", widths[::-1])
        norm = f"{ours}.feed_forward_residual.norm"
        yield from _norm(norm, f"{theirs}_ffn_ffn_ln", suffix, shape.d_model)
    if config.norm_position == "pre":
        yield from _norm(f"{name}.final_norm", f"{name}_top_ln", "", shape.d_model)


def _linear(ours: str, theirs: str, letter: str, widths: tuple[int, int]) -> Iterator[Slot]:
    yield Slot(f"{ours}.weight", f"{theirs}_W{letter}", widths, is_transposed=True)
    yield Slot(f"{ours}.bias", f"{theirs}_b{letter}", (1, widths[1]))


def _norm(ours: str, theirs: str, suffix: str, width: int) -> Iterator[Slot]:
    yield Slot(f"{ours}.weight", f"{theirs}_scale{suffix}", (1, width))
    yield Slot(f"{ours}.bias", f"{theirs}_bias{suffix}", (1, width))
