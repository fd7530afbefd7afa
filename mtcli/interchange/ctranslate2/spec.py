"""Put our weights into CTranslate2's layout, for every architecture that its engine supports.

Source: CTranslate2 4.8, python/ctranslate2/specs; the engine's side is src/layers/transformer.cc.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.architecture import ModelConfig, StackShape
from mtcli.engines.ctranslate2.stored import expected_config
from mtcli.errors import ConfigError

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _Side:
    """What differs between encoder and decoder."""

    name: str
    shape: StackShape


def refuse_unsupported(config: ModelConfig) -> None:
    """Refuse architectures that CTranslate2 cannot run.

    Raises:
        ConfigError: the architecture cannot be exported.
    """
    known: dict[str, tuple[str, ...]] = {
        "norm": ("layer", "rms"),
        "norm_position": ("pre", "post"),
        "activation": ("relu", "gelu", "silu"),
        "positions": ("sinusoidal", "sinusoidal_fairseq", "sinusoidal_marian", "learned", "rotary"),
        "tied_embeddings": ("all", "decoder", "none"),
    }
    for key, values in known.items():
        value = getattr(config, key)
        if value not in values:
            raise ConfigError(
                f"`model.{key}: {value}` cannot be exported to ctranslate2, which supports:"
                f" {', '.join(values)}"
            )
    for key in ("encoder_attention", "decoder_attention"):
        if (kind := getattr(config, key).kind) != "full":
            raise ConfigError(
                f"`model.{key}: {kind}` cannot be exported to ctranslate2, which supports: full",
                hint="use the model as it is: `mtcli translate` runs it with torch",
            )


def build_spec(
    card: ModelCard,
    weights: Weights,
    src_pieces: Sequence[str],
    tgt_pieces: Sequence[str],
) -> Any:
    """Build a validated `ctranslate2.specs.TransformerSpec`, not yet quantized.

    Args:
        card: the model.
        weights: its parameters by plain name.
        src_pieces: source vocabulary by id.
        tgt_pieces: target vocabulary by id.

    Raises:
        ConfigError: the architecture cannot be exported.
    """
    from ctranslate2.specs import transformer_spec

    config = card.architecture
    refuse_unsupported(config)
    encoder = _Side("encoder", config.encoder_shape)
    decoder = _Side("decoder", config.decoder_shape)
    spec = transformer_spec.TransformerSpec(
        _declare(transformer_spec.TransformerEncoderSpec, config, encoder),
        _declare(transformer_spec.TransformerDecoderSpec, config, decoder),
    )
    _fill_embeddings(spec, config, weights)
    for side, side_spec in ((encoder, spec.encoder), (decoder, spec.decoder)):
        _fill_stack(side_spec, config, side, weights)
    spec.register_source_vocabulary(list(src_pieces))
    spec.register_target_vocabulary(list(tgt_pieces))
    for key, value in expected_config(card, tgt_pieces).items():
        setattr(spec.config, key, value)
    spec.validate()
    return spec


def _declare(kind: Any, config: ModelConfig, side: _Side) -> Any:
    """The empty spec of one side."""
    from ctranslate2.specs import common_spec

    activations = {
        "relu": common_spec.Activation.RELU,
        "gelu": common_spec.Activation.GELU,
        "silu": common_spec.Activation.SWISH,
    }
    shape = side.shape
    is_grouped = shape.num_kv_heads != shape.num_heads
    return kind(
        shape.num_layers,
        shape.num_heads,
        pre_norm=config.norm_position == "pre",
        activation=activations[config.activation],
        ffn_glu=config.gated,
        rms_norm=config.norm == "rms",
        num_heads_kv=shape.num_kv_heads if is_grouped else None,
        head_dim=config.head_dim,
        # 0 rotates the whole head; we pair its halves
        rotary_dim=0 if config.positions == "rotary" else None,
        rotary_interleave=False,
    )


def _fill_embeddings(spec: Any, config: ModelConfig, weights: Weights) -> None:
    """Embeddings, positions and output projection; equal arrays are stored once by CTranslate2."""
    if config.tied_embeddings == "all":
        src = tgt = weights["shared_embed.weight"]
    else:
        src, tgt = weights["src_embed.weight"], weights["tgt_embed.weight"]
    untied = config.tied_embeddings == "none"
    spec.encoder.embeddings[0].weight, spec.decoder.embeddings.weight = src, tgt
    spec.decoder.projection.weight = weights["output_proj.weight"] if untied else tgt
    if config.output_bias:
        spec.decoder.projection.bias = weights["output_bias"]
    for side_spec, name in ((spec.encoder, "src"), (spec.decoder, "tgt")):
        side_spec.scale_embeddings = config.scale_embeddings
        if config.positions == "learned":
            side_spec.position_encodings.encodings = weights[f"{name}_positions.table_PD"]
        elif config.positions != "rotary":
            # here, because it imports torch; without a table the engine would make a different one
            from mtcli.model.positions import fixed_table

            side_spec.position_encodings.encodings = fixed_table(config).numpy()


def _fill_stack(spec: Any, config: ModelConfig, side: _Side, weights: Weights) -> None:
    for index, layer in enumerate(spec.layer):
        name = f"{side.name}.layers.{index}"
        _fill_self_attention(layer.self_attention, f"{name}.self_attn", weights)
        _fill_norm(layer.self_attention.layer_norm, f"{name}.self_attn_residual.norm", weights)
        if side.name == "decoder":
            _fill_cross_attention(layer.attention, f"{name}.cross_attn", weights)
            _fill_norm(layer.attention.layer_norm, f"{name}.cross_attn_residual.norm", weights)
        _fill_feed_forward(layer.ffn, f"{name}.feed_forward", weights, gated=config.gated)
        _fill_norm(layer.ffn.layer_norm, f"{name}.feed_forward_residual.norm", weights)
    if config.norm_position == "pre":
        _fill_norm(spec.layer_norm, f"{side.name}.final_norm", weights)


def _fill_self_attention(spec: Any, name: str, weights: Weights) -> None:
    """Queries, keys and values are one product."""
    _fill_linear(spec.linear[0], [f"{name}.{x}_proj" for x in "qkv"], weights)
    _fill_linear(spec.linear[1], [f"{name}.out_proj"], weights)


def _fill_cross_attention(spec: Any, name: str, weights: Weights) -> None:
    """Queries come from the target; keys and values, one product, from the memory."""
    _fill_linear(spec.linear[0], [f"{name}.q_proj"], weights)
    _fill_linear(spec.linear[1], [f"{name}.{x}_proj" for x in "kv"], weights)
    _fill_linear(spec.linear[2], [f"{name}.out_proj"], weights)


def _fill_feed_forward(spec: Any, name: str, weights: Weights, *, gated: bool) -> None:
    _fill_linear(spec.linear_0, [f"{name}.in_proj"], weights)
    if gated:
        _fill_linear(spec.linear_0_noact, [f"{name}.gate_proj"], weights)
    _fill_linear(spec.linear_1, [f"{name}.out_proj"], weights)


def _fill_linear(spec: Any, names: Sequence[str], weights: Weights) -> None:
    """One product over all `names`, outputs side by side."""
    spec.weight = np.concatenate([weights[f"{name}.weight"] for name in names])
    if f"{names[0]}.bias" in weights:
        spec.bias = np.concatenate([weights[f"{name}.bias"] for name in names])


def _fill_norm(spec: Any, name: str, weights: Weights) -> None:
    spec.gamma = weights[f"{name}.weight"]
    if hasattr(spec, "beta"):  # LayerNorm; ours has none with bias: false
        spec.beta = weights.get(f"{name}.bias", np.zeros_like(spec.gamma))
