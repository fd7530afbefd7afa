# Shape suffixes: B sentences, S source length, T target length, D d_model, V vocabulary, N target
#   tokens, C tokens of one chunk.
"""Score a given target with a model: log-probabilities, and attention to the source."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mtcli.model.seq2seq import Seq2Seq

_CHUNK_TOKENS = 1024
"""Tokens whose logits are computed at once, so that a batch's logits are never all in memory."""


@torch.inference_mode()
def forced_log_probs(
    models: Sequence[Seq2Seq],
    src_ids_BS: Tensor,
    tgt_in_ids_BT: Tensor,
    tgt_out_ids_BT: Tensor,
    pad_id: int,
) -> Tensor:
    """Log-probability BT of each target token after those before it; 0 at padding.

    Args:
        models: at least one, in evaluation mode; of several the probabilities are averaged.
        src_ids_BS: source ids with EOS, padded at the end.
        tgt_in_ids_BT: BOS and the target, padded at the end.
        tgt_out_ids_BT: the target and EOS, padded at the end.
        pad_id: id of padding, which no target holds.
    """
    positions_N = (tgt_out_ids_BT != pad_id).flatten().nonzero()[:, 0]
    ids_N = tgt_out_ids_BT.flatten()[positions_N]
    keep = _keep(src_ids_BS, pad_id)
    total_N: Tensor | None = None
    for model in models:
        hidden_BTD = model.decode(tgt_in_ids_BT, model.encode(src_ids_BS, keep), keep)
        log_probs_N = _token_log_probs(model, hidden_BTD.flatten(0, 1)[positions_N], ids_N)
        total_N = log_probs_N if total_N is None else torch.logaddexp(total_N, log_probs_N)
    assert total_N is not None
    out_BT = total_N.new_zeros(tgt_out_ids_BT.shape)
    out_BT.view(-1)[positions_N] = (total_N - math.log(len(models))).clamp_(max=0.0)
    return out_BT


@torch.inference_mode()
def forced_attention(
    models: Sequence[Seq2Seq],
    src_ids_BS: Tensor,
    tgt_in_ids_BT: Tensor,
    pad_id: int,
    layer: int | None = None,
    heads: Sequence[int] | None = None,
) -> Tensor:
    """Attention BTS to the source while each target token is predicted; each row sums to 1.

    Args:
        models: at least one, in evaluation mode; of several the attention is averaged.
        src_ids_BS: source ids with EOS, padded at the end.
        tgt_in_ids_BT: BOS and the target, padded at the end.
        pad_id: id of padding.
        layer: decoder layer, counted from 0; None is the second-last, of a single layer that one.
        heads: heads to average, counted from 0; None: all.
    """
    keep = _keep(src_ids_BS, pad_id)
    attention_of = []
    for model in models:
        memory_BSD = model.encode(src_ids_BS, keep)
        weights_BHTS = model.cross_attention(tgt_in_ids_BT, memory_BSD, keep, layer)
        if heads is not None:
            weights_BHTS = weights_BHTS[:, list(heads)]
        attention_of.append(weights_BHTS.mean(1))
    return torch.stack(attention_of).mean(0)


def _keep(src_ids_BS: Tensor, pad_id: int) -> Tensor | None:
    keep_BS = src_ids_BS != pad_id
    return None if bool(keep_BS.all()) else keep_BS


def _token_log_probs(model: Seq2Seq, hidden_ND: Tensor, ids_N: Tensor) -> Tensor:
    dtype = torch.promote_types(model.output_weight_VD.dtype, torch.float32)
    found = []
    for hidden_CD, ids_C in zip(
        hidden_ND.split(_CHUNK_TOKENS), ids_N.split(_CHUNK_TOKENS), strict=True
    ):
        log_probs_CV = model.output_logits(hidden_CD).log_softmax(-1, dtype=dtype)
        found.append(log_probs_CV.gather(1, ids_C[:, None])[:, 0])
    return torch.cat(found)
