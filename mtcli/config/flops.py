"""Count floating-point operations of a model from its shape and the lengths of sentences."""

from __future__ import annotations

from collections.abc import Iterable

from mtcli.config.schema.architecture import ModelConfig, StackShape
from mtcli.config.schema.attention import (
    Attention,
    LocalAttentionConfig,
    LowRankAttentionConfig,
)

TRAINING_PER_FORWARD = 3
"""Operations of a training pass per operation of the forward pass: each product needs one more for
the gradient of either factor.

Source: Kaplan et al. 2020, section 2.1.
"""


def forward_flops(
    config: ModelConfig, tgt_vocab_size: int, pairs: Iterable[tuple[int, int]]
) -> int:
    """Operations of one forward pass over pairs, loss included and padding excluded.

    A product of (N, K) and (K, M) counts 2 N K M, one for each multiplication and addition. Only
    matrix products count, those of attention among them; causal attention counts as full, as
    kernels have it that do not skip what is masked. Local attention counts what it sees at most.

    Args:
        config: the architecture.
        tgt_vocab_size: columns of the output projection.
        pairs: source and target tokens of each pair, EOS counted in both.
    """
    encoder, decoder = config.encoder_shape, config.decoder_shape
    # queries and outputs of the attention to the source are made per target token
    decoder_weights = _layer_weights(decoder, gated=config.gated)
    decoder_weights += 2 * decoder.d_model * decoder.q_width
    # its keys and values per source token
    memory_weights = 2 * decoder.d_model * decoder.kv_width
    src_weights = encoder.num_layers * _layer_weights(encoder, gated=config.gated)
    src_weights += decoder.num_layers * memory_weights
    tgt_weights = decoder.num_layers * decoder_weights + config.d_model * tgt_vocab_size
    total = 0
    for src, tgt in pairs:
        cells = _self_cells(config.encoder_attention, encoder, src, sides=2)
        cells += _self_cells(config.decoder_attention, decoder, tgt, sides=1)
        cells += decoder.num_layers * tgt * src * decoder.q_width
        # scores, and weights times values
        total += 2 * (src * src_weights + tgt * tgt_weights) + 4 * cells
    return total


def training_flops(
    config: ModelConfig, tgt_vocab_size: int, pairs: Iterable[tuple[int, int]]
) -> int:
    """Operations of forward and backward pass; arguments are those of `forward_flops`."""
    return TRAINING_PER_FORWARD * forward_flops(config, tgt_vocab_size, pairs)


def _self_cells(attention: Attention, shape: StackShape, length: int, *, sides: int) -> int:
    """Products of a query's and a key's number in the self-attention of all layers.

    Args:
        attention: which keys a query sees.
        shape: sizes of the stack.
        length: tokens.
        sides: on how many sides of a query its window is.
    """
    if isinstance(attention, LowRankAttentionConfig) and attention.rank < length:
        # the means of keys and values are a product, too
        return shape.num_layers * length * attention.rank * (shape.q_width + shape.kv_width)
    num_keys = shape.num_layers * length
    if isinstance(attention, LocalAttentionConfig):
        more = attention.global_tokens + (1 if sides == 2 else 0)
        num_keys = sum(
            length if window is None else min(length, sides * window + more)
            for window in attention.windows_of(shape.num_layers)
        )
    return length * num_keys * shape.q_width


def _layer_weights(shape: StackShape, *, gated: bool) -> int:
    """Weights of one layer's self-attention and feed-forward block."""
    attention = shape.d_model * 2 * (shape.q_width + shape.kv_width)
    return attention + (3 if gated else 2) * shape.d_model * shape.d_ff
