"""The same model with what Marian computes: scaled embeddings, a decoder that starts with zeros.

What is added to every input of a post-norm stack can be added in its first layer instead: to the
biases of queries, keys and values, and to that of the output, which is where the sum is made.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mtcli.config.schema.architecture import ModelConfig
from mtcli.tokenizer.protocol import start_id

NO_LOGIT = -100.0
"""Of pieces that no output may hold: e^-100 of the probability is none in float32."""

NORM_EPS = 1e-6
"""What Marian adds to the variance in norms."""

Floats = npt.NDArray[np.float32]


def folded(
    config: ModelConfig, weights: Mapping[str, Floats], forbidden_ids: Collection[int]
) -> tuple[ModelConfig, dict[str, Floats]]:
    """An architecture that Marian has, and weights with which it computes the same.

    Args:
        config: an architecture that Marian computes, except for what is changed here.
        weights: by plain name.
        forbidden_ids: pieces that no output may hold, which Marian cannot forbid: they get no
            probability.
    """
    made = dict(weights)
    changes: dict[str, object] = {
        "norm_eps": NORM_EPS, "output_bias": True, "target_start": "pad",
    }  # fmt: skip
    num_outputs = len(weights[_target_embedding(config)])
    bias = weights.get("output_bias", np.zeros(num_outputs, np.float32)).copy()
    bias[list(forbidden_ids)] = NO_LOGIT
    made["output_bias"] = bias
    row = weights[_target_embedding(config)][start_id(config.target_start)]
    first = row * np.float32(math.sqrt(config.d_model) if config.scale_embeddings else 1.0)
    if first.any():
        _start_with_zeros(config, made, first)
    if not config.scale_embeddings:
        _scale_down(config, made)
        changes |= {"scale_embeddings": True, "tied_embeddings": "none"}
    return replace(config, **changes), made  # type: ignore[arg-type]


def _target_embedding(config: ModelConfig) -> str:
    return "shared_embed.weight" if config.tied_embeddings == "all" else "tgt_embed.weight"


def _start_with_zeros(config: ModelConfig, weights: dict[str, Floats], first: Floats) -> None:
    """Take the first piece's row from all rows, and add it in the first layer again.

    An output projection that is tied to the rows gives all logits of a step the same difference.
    """
    name = _target_embedding(config)
    weights[name] = weights[name] - weights[name][start_id(config.target_start)]
    for stack in ("encoder", "decoder") if config.tied_embeddings == "all" else ("decoder",):
        attention = f"{stack}.layers.0.self_attn"
        for letter in "qkv":
            matrix = weights[f"{attention}.{letter}_proj.weight"]
            bias = f"{attention}.{letter}_proj.bias"
            weights[bias] = weights[bias] + matrix @ first
        weights[f"{attention}.out_proj.bias"] = weights[f"{attention}.out_proj.bias"] + first


def _scale_down(config: ModelConfig, weights: dict[str, Floats]) -> None:
    """Divide embeddings by the factor that Marian multiplies them by, but not the projection."""
    shared = weights.pop("shared_embed.weight", None)
    if shared is not None:
        weights |= {"src_embed.weight": shared, "tgt_embed.weight": shared}
    weights.setdefault("output_proj.weight", weights["tgt_embed.weight"])
    for side in ("src", "tgt"):
        name = f"{side}_embed.weight"
        weights[name] = weights[name] / np.float32(math.sqrt(config.d_model))
