# Shape suffixes: B sentences, S source length, D d_model.
"""The encoder: self-attention and feed-forward, layer upon layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mtcli.config.schema.architecture import ModelConfig
from mtcli.model.attention.kinds import SelfAttention, StackAttention
from mtcli.model.blocks import (
    Residual,
    attend_to_self,
    make_attention,
    make_feed_forward,
    make_final_norm,
    make_rotary,
    self_attention_weights,
)
from mtcli.model.layer_dropout import draw_is_skipped, join_idle
from mtcli.model.positions import RotaryPositions
from mtcli.model.recomputing import run_layer


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward."""

    def __init__(self, config: ModelConfig, self_attention: SelfAttention) -> None:
        super().__init__()
        shape = config.encoder_shape
        self.self_attention = self_attention
        self.self_attn = make_attention(config, shape)
        self.self_attn_residual = Residual(config)
        self.feed_forward = make_feed_forward(config, shape)
        self.feed_forward_residual = Residual(config)
        self.attention_dropout = config.attention_dropout

    def forward(
        self,
        x_BSD: Tensor,
        prepared: Sequence[Tensor | None],
        rotary: RotaryPositions | None,
        *,
        is_skipped: bool = False,
    ) -> Tensor:
        """Same shape as `x_BSD`; `prepared` is what `self_attention` has prepared.

        Skipping is done in here, because FSDP gathers the layer's weights around this call, on all
        processes or none.
        """
        if is_skipped:
            return join_idle(x_BSD, self)

        p = self.attention_dropout if self.training else 0.0
        x_BSD = self.self_attn_residual(
            x_BSD,
            lambda h_BSD: attend_to_self(
                self.self_attn, h_BSD, rotary, self.self_attention, prepared, p
            ),
        )
        out_BSD: Tensor = self.feed_forward_residual(x_BSD, self.feed_forward)
        return out_BSD

    def self_attention_weights(
        self,
        x_BSD: Tensor,
        prepared: Sequence[Tensor | None],
        rotary: RotaryPositions | None,
    ) -> Tensor:
        """How much each position looks at each other in this layer, BHSS."""
        h_BSD = self.self_attn_residual.input_of_block(x_BSD)
        return self_attention_weights(self.self_attn, h_BSD, rotary, self.self_attention, prepared)


class Encoder(nn.Module):
    """Embedded source in, memory out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = config.encoder_shape
        self.attention = StackAttention(config.encoder_attention, shape.num_layers, is_causal=False)
        self.layers = nn.ModuleList(EncoderLayer(config, kind) for kind in self.attention.layers)
        self.final_norm = make_final_norm(config)
        self.rotary = make_rotary(config, shape)

    def forward(
        self,
        x_BSD: Tensor,
        src_keep_B11S: Tensor | None,
        layer_dropout: float = 0.0,
        recompute: bool = False,
        is_separator_BS: Tensor | None = None,
    ) -> Tensor:
        """Memory BSD: what the decoder sees of the source.

        `is_separator_BS` is True at separators of sentences, if they are global. Each layer is
        skipped with probability `layer_dropout`; `recompute` keeps only what goes into each for its
        gradient.

        Source: Fan et al. 2020 (LayerDrop), section 3.1.
        """
        prepared = self.attention.prepare(x_BSD, src_keep_B11S, is_separator_BS)
        for layer, masks in zip(self.layers, prepared, strict=False):
            is_skipped = draw_is_skipped(layer_dropout)
            x_BSD = run_layer(
                layer, x_BSD, masks, self.rotary, is_skipped=is_skipped, is_recomputed=recompute
            )
        return x_BSD if self.final_norm is None else self.final_norm(x_BSD)
