# Shape suffixes: B sentences of the batch, N sentences still in the search, S source length,
#   V vocabulary, T length.
"""Greedy search without scores, which saves the softmax."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mtcli.decoding.beam import length_limits, steps_between_looks
from mtcli.decoding.candidates import best_continuations
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.decoding.scorer import ModelScorer


@torch.inference_mode()
def greedy_search(
    scorer: ModelScorer,
    src_ids_BS: Tensor,
    options: SearchOptions,
    max_length_B: Tensor | None = None,
) -> list[Hypothesis]:
    """Find what `beam_search` with a beam of 1 finds for each sentence, with NaN as scores.

    The largest logit has the largest probability, so a step saves two passes over the vocabulary.
    A sentence whose logits are all NaN gets an empty hypothesis, as in `beam_search`.

    Args:
        scorer: gives logits of the next token.
        src_ids_BS: source ids, with EOS, padded at the end.
        options: `bos_id`, `eos_id`, `forbidden_ids` and `max_length`; the rest is ignored.
        max_length_B: longest length of each hypothesis, EOS counted; see `beam_search`.
    """
    B, device = src_ids_BS.size(0), src_ids_BS.device
    if B == 0:
        return []
    limit_N, max_length = length_limits(src_ids_BS, options, max_length_B)
    ids_BT = torch.full((B, max_length), options.eos_id, device=device)
    length_B = torch.zeros(B, dtype=torch.long, device=device)
    place_N = torch.arange(B, device=device)
    is_running_N = torch.ones(B, dtype=torch.bool, device=device)
    forbidden = torch.tensor(options.forbidden_ids, dtype=torch.long, device=device)
    state = scorer.start(src_ids_BS, beam_size=1, max_length=max_length)
    ids_N = torch.full((B,), options.bos_id, device=device)
    look_every = steps_between_looks(device)

    for length in range(1, max_length + 1):
        logits_NV = scorer.logits(ids_N, state)
        logits_NV.index_fill_(1, forbidden, -torch.inf)
        best_N1, choice_N1 = best_continuations(logits_NV.new_zeros((len(ids_N), 1)), logits_NV)
        del logits_NV  # by far the largest block: the next logits go where it was
        ids_N = choice_N1[:, 0]
        ids_BT[place_N, length - 1] = ids_N
        is_lost_N = best_N1[:, 0] == -torch.inf
        ends_N = is_running_N & ((ids_N == options.eos_id) | is_lost_N | (limit_N == length))
        end_N = torch.where(is_lost_N, 0, length)
        length_B[place_N] = torch.where(ends_N, end_N, length_B[place_N])
        is_running_N = is_running_N & ~ends_N
        if length == max_length:
            break
        if length % look_every == 0:
            stay_N = is_running_N.nonzero()[:, 0]
            if len(stay_N) == 0:
                break
            if len(stay_N) <= len(is_running_N) // 2:
                state = scorer.keep_sentences(stay_N, state)
                ids_N, limit_N, place_N = ids_N[stay_N], limit_N[stay_N], place_N[stay_N]
                is_running_N = is_running_N[stay_N]

    return [
        _hypothesis(ids[:length], options.eos_id)
        for ids, length in zip(ids_BT.tolist(), length_B.tolist(), strict=True)
    ]


def _hypothesis(ids: list[int], eos_id: int) -> Hypothesis:
    if not ids:
        return Hypothesis((), False, -math.inf, -math.inf)
    is_complete = ids[-1] == eos_id
    return Hypothesis(tuple(ids[:-1] if is_complete else ids), is_complete, math.nan, math.nan)
