# Shape suffixes: B sentences, S source length, T target length, D d_model, H heads.
"""What every head of every layer looks at while a given target is predicted."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from mtcli.model.attention.full import as_key_mask
from mtcli.model.decoder import DecoderLayer
from mtcli.model.encoder import EncoderLayer
from mtcli.model.seq2seq import Seq2Seq


class AttentionMaps(NamedTuple):
    """Attention weights layer by layer, the first layer first; rows of real queries sum to 1."""

    encoder: list[Tensor]
    """Of source positions to one another, BHSS."""
    decoder: list[Tensor]
    """Of target positions to those before them and themselves, BHTT."""
    cross: list[Tensor]
    """Of target positions to the source, BHTS."""


def attention_maps(
    model: Seq2Seq, src_ids_BS: Tensor, src_keep_BS: Tensor | None, tgt_in_ids_BT: Tensor
) -> AttentionMaps:
    """The attention of all layers, written out; the layers themselves run as they always do.

    Args:
        model: in evaluation mode.
        src_ids_BS: source ids with EOS, padded at the end.
        src_keep_BS: True at real source tokens; None if all are.
        tgt_in_ids_BT: BOS and the target, padded at the end.
    """
    keep = as_key_mask(src_keep_BS)
    maps = AttentionMaps([], [], [])
    encoder, decoder = model.encoder, model.decoder
    x_BSD = model.place_source(model.embed_source(src_ids_BS))
    prepared = encoder.attention.prepare(x_BSD, keep, model.separators.in_source(src_ids_BS))
    for encoder_layer, masks in zip(encoder.layers, prepared, strict=True):
        assert isinstance(encoder_layer, EncoderLayer)
        maps.encoder.append(encoder_layer.self_attention_weights(x_BSD, masks, encoder.rotary))
        x_BSD = encoder_layer(x_BSD, masks, encoder.rotary)
    memory_BSD = x_BSD if encoder.final_norm is None else encoder.final_norm(x_BSD)
    x_BTD = model.embed_target(tgt_in_ids_BT)
    prepared = decoder.attention.prepare(x_BTD, None, model.separators.in_target(tgt_in_ids_BT))
    for layer, masks in zip(decoder.layers, prepared, strict=True):
        assert isinstance(layer, DecoderLayer)
        inputs = (x_BTD, memory_BSD, keep, masks, decoder.rotary)
        maps.decoder.append(layer.self_attention_weights(x_BTD, masks, decoder.rotary))
        maps.cross.append(layer.cross_attention(*inputs))
        x_BTD = layer(*inputs)
    return maps
