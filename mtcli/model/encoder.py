# Shape suffixes: B sentences, S source length, D d_model.
"""The encoder: self-attention and feed-forward, layer upon layer."""

from __future__ import annotations

from torch import Tensor, nn

from mtcli.config.schema.architecture import ModelConfig
from mtcli.model.blocks import (
    Residual,
    attend_to_self,
    make_attention,
    make_feed_forward,
    make_final_norm,
    make_rotary,
)
from mtcli.model.layer_dropout import draw_is_skipped, join_idle
from mtcli.model.positions import RotaryPositions


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = config.encoder_shape
        self.self_attn = make_attention(config, shape)
        self.self_attn_residual = Residual(config)
        self.feed_forward = make_feed_forward(config, shape)
        self.feed_forward_residual = Residual(config)
        self.attention_dropout = config.attention_dropout

    def forward(
        self,
        x_BSD: Tensor,
        src_keep_B11S: Tensor | None,
        rotary: RotaryPositions | None,
        *,
        is_skipped: bool = False,
    ) -> Tensor:
        """Same shape as `x_BSD`; `src_keep_B11S` is True at real tokens, None if all are.

        Skipping is done in here, because FSDP gathers the layer's weights around this call, on all
        processes or none.
        """
        if is_skipped:
            return join_idle(x_BSD, self)

        p = self.attention_dropout if self.training else 0.0
        x_BSD = self.self_attn_residual(
            x_BSD,
            lambda h_BSD: attend_to_self(
                self.self_attn, h_BSD, rotary, keep=src_keep_B11S, dropout_p=p
            ),
        )
        out_BSD: Tensor = self.feed_forward_residual(x_BSD, self.feed_forward)
        return out_BSD


class Encoder(nn.Module):
    """Embedded source in, memory out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = config.encoder_shape
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(shape.num_layers))
        self.final_norm = make_final_norm(config)
        self.rotary = make_rotary(config, shape)

    def forward(
        self, x_BSD: Tensor, src_keep_B11S: Tensor | None, layer_dropout: float = 0.0
    ) -> Tensor:
        """Memory BSD: what the decoder sees of the source.

        Each layer is skipped with probability `layer_dropout`.

        Source: Fan et al. 2020 (LayerDrop), section 3.1.
        """
        for layer in self.layers:
            is_skipped = draw_is_skipped(layer_dropout)
            x_BSD = layer(x_BSD, src_keep_B11S, self.rotary, is_skipped=is_skipped)
        return x_BSD if self.final_norm is None else self.final_norm(x_BSD)
