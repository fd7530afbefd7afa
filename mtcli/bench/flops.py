"""Floating-point operations of the model, counted from its shape and the lengths of sentences."""

from __future__ import annotations

from collections.abc import Iterable

from mtcli.config.schema.architecture import ModelConfig

TRAINING_PER_FORWARD = 3
"""Forward and backward over forward: each product needs one more for the gradient of either side.

Source: Kaplan et al. 2020, section 2.1.
"""


def forward_flops(
    config: ModelConfig, tgt_vocab_size: int, pairs: Iterable[tuple[int, int]]
) -> int:
    """Operations of one forward pass over pairs without padding, loss included.

    A product of (N, K) and (K, M) counts 2 N K M, one for each multiplication and addition. Only
    matrix products count, those of attention among them; causal attention counts as full, as
    kernels have it that do not skip what is masked.

    Args:
        config: the architecture.
        tgt_vocab_size: columns of the output projection.
        pairs: source and target tokens of each pair, EOS counted in both.
    """
    heads, decoder_heads = config.num_heads, config.decoder_num_heads or config.num_heads
    feed_forwards = 3 if config.gated else 2
    encoder = _projections(config, heads) + feed_forwards * config.d_model * config.d_ff
    decoder_d_ff = config.decoder_d_ff or config.d_ff
    # queries and outputs of the attention to the source are made per target token
    width = _width(config, decoder_heads)
    decoder = _projections(config, decoder_heads) + 2 * config.d_model * width
    decoder += feed_forwards * config.d_model * decoder_d_ff
    # its keys and values per source token
    memory = 2 * config.d_model * _width(config, decoder_heads, is_narrow=True)
    per_src = 2 * (config.encoder_layers * encoder + config.decoder_layers * memory)
    per_tgt = 2 * (config.decoder_layers * decoder + config.d_model * tgt_vocab_size)
    total = 0
    for src, tgt in pairs:
        cells = config.encoder_layers * src * src * _width(config, heads)
        cells += config.decoder_layers * tgt * (tgt + src) * width
        total += src * per_src + tgt * per_tgt + 4 * cells  # scores, and weights times values
    return total


def training_flops(
    config: ModelConfig, tgt_vocab_size: int, pairs: Iterable[tuple[int, int]]
) -> int:
    """Operations of forward and backward pass; arguments are those of `forward_flops`."""
    return TRAINING_PER_FORWARD * forward_flops(config, tgt_vocab_size, pairs)


def _width(config: ModelConfig, num_heads: int, *, is_narrow: bool = False) -> int:
    """Columns of queries, or of keys and of values (`is_narrow`) where heads share them."""
    heads = (config.num_kv_heads or num_heads) if is_narrow else num_heads
    return heads * (config.head_dim or config.d_model // num_heads)


def _projections(config: ModelConfig, num_heads: int) -> int:
    """Weights of the queries, keys, values and outputs of self-attention."""
    wide, narrow = _width(config, num_heads), _width(config, num_heads, is_narrow=True)
    return config.d_model * (2 * wide + 2 * narrow)
