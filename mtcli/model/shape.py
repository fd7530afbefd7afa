"""The architecture with every default resolved: what the modules are built from."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from mtcli.config.schema.architecture import ModelConfig


@dataclass(frozen=True)
class StackShape:
    """Sizes of the encoder or of the decoder."""

    num_layers: int
    d_model: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    d_ff: int

    @classmethod
    def of_encoder(cls, config: ModelConfig) -> StackShape:
        """The encoder's sizes."""
        return cls._of(config, config.encoder_layers, config.num_heads, config.d_ff)

    @classmethod
    def of_decoder(cls, config: ModelConfig) -> StackShape:
        """The decoder's sizes, the encoder's where not given."""
        heads = config.decoder_num_heads or config.num_heads
        return cls._of(config, config.decoder_layers, heads, config.decoder_d_ff or config.d_ff)

    @classmethod
    def _of(cls, config: ModelConfig, layers: int, heads: int, d_ff: int) -> StackShape:
        return cls(
            num_layers=layers,
            d_model=config.d_model,
            num_heads=heads,
            num_kv_heads=config.num_kv_heads or heads,
            head_dim=config.head_dim or config.d_model // heads,
            d_ff=d_ff,
        )


def make_norm(config: ModelConfig) -> nn.Module:
    """A LayerNorm or RMSNorm over d_model.

    Source: Ba et al. 2016; Zhang & Sennrich 2019.
    """
    if config.norm == "rms":
        return nn.RMSNorm(config.d_model, eps=config.norm_eps)
    return nn.LayerNorm(config.d_model, eps=config.norm_eps, bias=config.bias)
