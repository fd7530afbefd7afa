# Shape suffixes: B sentences, Q positions, D d_model, H heads, G heads of keys and values,
#   K head_dim, E heads joined (H * K).
"""What encoder and decoder layers are made of: norms, residuals, attention and feed-forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtcli.config.schema.architecture import ModelConfig, StackShape
from mtcli.model.attention.kinds import SelfAttention
from mtcli.model.attention.projections import MultiHeadAttention
from mtcli.model.dropout import dropout
from mtcli.model.feed_forward import FeedForward
from mtcli.model.positions import RotaryPositions


def make_norm(config: ModelConfig) -> nn.Module:
    """A LayerNorm or RMSNorm over d_model.

    Source: Ba et al. 2016; Zhang & Sennrich 2019.
    """
    if config.norm == "rms":
        return nn.RMSNorm(config.d_model, eps=config.norm_eps)
    return nn.LayerNorm(config.d_model, eps=config.norm_eps, bias=config.bias)


def make_final_norm(config: ModelConfig) -> nn.Module | None:
    """The norm after the last layer; post-norm layers end with one of their own."""
    return make_norm(config) if config.norm_position == "pre" else None


def make_rotary(config: ModelConfig, shape: StackShape) -> RotaryPositions | None:
    """The rotation of queries and keys; None if positions are added to the embeddings."""
    if config.positions != "rotary":
        return None
    return RotaryPositions(config.max_positions, shape.head_dim)


def make_attention(config: ModelConfig, shape: StackShape) -> MultiHeadAttention:
    """The projections of one attention block."""
    return MultiHeadAttention(
        shape.d_model, shape.num_heads, shape.num_kv_heads, shape.head_dim, bias=config.bias
    )


def attend_to_self(
    attention: MultiHeadAttention,
    x_BQD: Tensor,
    rotary: RotaryPositions | None,
    kind: SelfAttention,
    prepared: Sequence[Tensor | None],
    dropout_p: float,
) -> Tensor:
    """Self-attention over all positions at once, shape BQD."""
    q, k, v = attention.project_qkv(x_BQD)
    if rotary is not None:
        q, k = rotary.rotate(q, 0), rotary.rotate(k, 0)
    heads = kind(q, k, v, prepared, dropout_p)
    return attention.project_out(heads)


def self_attention_weights(
    attention: MultiHeadAttention,
    x_BQD: Tensor,
    rotary: RotaryPositions | None,
    kind: SelfAttention,
    prepared: Sequence[Tensor | None],
) -> Tensor:
    """How much each position looks at each other in `attend_to_self`, BHQQ.

    Attention is linear in its values, so its weights are what it makes of those that are 1 at one
    position and 0 elsewhere: each kind shows what it truly sees, windows and means included.
    """
    q_BHQK, k_BGQK, _ = attention.project_qkv(x_BQD)
    if rotary is not None:
        q_BHQK, k_BGQK = rotary.rotate(q_BHQK, 0), rotary.rotate(k_BGQK, 0)
    Q, K = k_BGQK.shape[2:]
    one_hot = torch.eye(Q, dtype=k_BGQK.dtype, device=k_BGQK.device)
    parts = []
    for values_QK in F.pad(one_hot, (0, -Q % K)).split(K, dim=1):
        heads_BQE = kind(q_BHQK, k_BGQK, values_QK.expand_as(k_BGQK), prepared, 0.0)
        parts.append(heads_BQE.unflatten(-1, (-1, K)).transpose(1, 2))
    return torch.cat(parts, dim=-1)[..., :Q]


def make_feed_forward(config: ModelConfig, shape: StackShape) -> FeedForward:
    """The feed-forward block of one layer."""
    return FeedForward(
        shape.d_model,
        shape.d_ff,
        activation=config.activation,
        gated=config.gated,
        bias=config.bias,
        dropout_p=config.activation_dropout,
    )


class Residual(nn.Module):
    """x + dropout(block(norm(x))) before (pre), or norm(x + dropout(block(x))) after (post).

    Source: post: Vaswani et al. 2017, section 3.1; pre: Xiong et al. 2020, table 1.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = make_norm(config)
        self.is_pre = config.norm_position == "pre"
        self.dropout_p = config.dropout

    def input_of_block(self, x: Tensor) -> Tensor:
        """What the block sees of `x`."""
        seen: Tensor = self.norm(x) if self.is_pre else x
        return seen

    def forward(self, x: Tensor, block: Callable[[Tensor], Tensor]) -> Tensor:
        """Same shape as `x`."""
        if self.is_pre:
            return x + dropout(block(self.norm(x)), self.dropout_p, training=self.training)
        out: Tensor = self.norm(x + dropout(block(x), self.dropout_p, training=self.training))
        return out
