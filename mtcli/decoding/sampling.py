# Shape suffixes: B sentences, W samples of each, R rows (B * W, sentence by sentence), S source
#   length, V vocabulary, T length, X most likely tokens, N sentences that stay.
"""Draw hypotheses from a next-token scorer. Knows nothing of models or text."""

from __future__ import annotations

import torch
from torch import Tensor

from mtcli.decoding.beam import length_limits, steps_between_looks
from mtcli.decoding.candidates import without_nan
from mtcli.decoding.noise import mixed, uniforms
from mtcli.decoding.options import Hypothesis, Sampling, SearchOptions
from mtcli.decoding.scorer import Scorer, StateT

_NUCLEUS = 128
"""Tokens that are sorted first to find a nucleus; where they do not reach, all are."""


@torch.inference_mode()
def sample(
    scorer: Scorer[StateT],
    src_ids_BS: Tensor,
    options: SearchOptions,
    keys_B: Tensor,
    max_length_B: Tensor | None = None,
) -> list[list[Hypothesis]]:
    """Draw `options.num_hypotheses` hypotheses of each sentence, in the order of drawing.

    The k-th sample of a sentence is a function of what the scorer says of it, the seed, its key,
    and k. It depends neither on the other sentences nor on the number of samples. Samples may be
    equal. Their log-probability is that of the scorer, before temperature, top-k and top-p. A
    sample in which all tokens become impossible (the scorer says NaN) is empty, incomplete and of
    score -inf.

    Args:
        scorer: gives log-probabilities of the next token.
        src_ids_BS: source ids, with EOS, padded at the end.
        options: `sampling`, lengths, ids and number; beam_size and stop mean nothing here.
        keys_B: int64; sentences with the same key and the same source get the same samples.
        max_length_B: as in `beam_search`.
    """
    sampling = options.sampling or Sampling()
    if src_ids_BS.size(0) == 0:
        return []
    B, W, device = src_ids_BS.size(0), options.num_hypotheses, src_ids_BS.device
    limit_B, max_length = length_limits(src_ids_BS, options, max_length_B)
    keys_BW = mixed(
        mixed(torch.full_like(keys_B, sampling.seed), keys_B)[:, None], _range(W, keys_B)
    )
    forbidden = torch.tensor(options.forbidden_ids, dtype=torch.long, device=device)
    # 1. Start: W equal rows for each sentence, which random numbers of their own distinguish.
    state = scorer.start(src_ids_BS, beam_size=W, max_length=max_length)
    ids_BW = torch.full((B, W), options.bos_id, device=device)
    sentences_B = torch.arange(B, device=device)
    tokens_BWT = torch.zeros((B, W, max_length), dtype=torch.long, device=device)
    # Of the sentences still in the search; stored in all_* when some leave.
    length_BW = torch.zeros_like(ids_BW)
    log_prob_BW = torch.zeros((B, W), dtype=scorer.dtype, device=device)
    is_done_BW = torch.zeros_like(ids_BW, dtype=torch.bool)
    all_length_BW, all_log_prob_BW = length_BW.clone(), log_prob_BW.clone()
    look_every = steps_between_looks(device)

    for length in range(1, max_length + 1):
        # 2. Draw a token for each row.
        step_RV = without_nan(scorer.log_probs(ids_BW.flatten(), state))
        step_RV.index_fill_(1, forbidden, -torch.inf)
        ids_R = draw(step_RV, sampling, mixed(keys_BW, length).flatten())
        ids_BW = ids_R.view_as(ids_BW)
        tokens_BWT[sentences_B, :, length - 1] = ids_BW
        # 3. Add its log-probability, and see which rows end.
        step_BW = step_RV.gather(1, ids_R[:, None]).view_as(log_prob_BW)
        del step_RV  # by far the largest block: the next scores go where it was.
        log_prob_BW = torch.where(is_done_BW, log_prob_BW, log_prob_BW + step_BW)
        length_BW = length_BW + ~is_done_BW
        is_done_BW = is_done_BW | (ids_BW == options.eos_id) | (limit_B == length)[:, None]
        is_done_BW = is_done_BW | (log_prob_BW == -torch.inf)
        # 4. Shrink the batch once half of its sentences are done.
        if length % look_every and length < max_length:
            continue
        stay_N = (~is_done_BW).any(1).nonzero()[:, 0]
        if len(stay_N) == 0 or length == max_length:
            break
        if len(stay_N) <= len(sentences_B) // 2:
            all_length_BW[sentences_B], all_log_prob_BW[sentences_B] = length_BW, log_prob_BW
            state = scorer.keep_sentences(stay_N, state)
            sentences_B, limit_B, keys_BW = sentences_B[stay_N], limit_B[stay_N], keys_BW[stay_N]
            ids_BW, is_done_BW = ids_BW[stay_N], is_done_BW[stay_N]
            length_BW, log_prob_BW = length_BW[stay_N], log_prob_BW[stay_N]

    all_length_BW[sentences_B], all_log_prob_BW[sentences_B] = length_BW, log_prob_BW
    return _hypotheses(tokens_BWT, all_length_BW, all_log_prob_BW, options)


def draw(step_RV: Tensor, sampling: Sampling, keys_R: Tensor) -> Tensor:
    """A token R of each row.

    Args:
        step_RV: log-probabilities, without NaN.
        sampling: which tokens may be drawn, and how likely they are.
        keys_R: int64, from which the random numbers are made.
    """
    # The last digits of a running sum over a vocabulary need float64, which Apple's GPUs lack.
    dtype = torch.float32 if step_RV.device.type == "mps" else torch.float64
    least_R1 = lowest_log_prob(step_RV, sampling)
    tempered_RV = (step_RV.to(dtype) / sampling.temperature).masked_fill_(
        step_RV < least_R1, -torch.inf
    )
    sum_RV = tempered_RV.softmax(-1).cumsum(-1)
    wanted_R1 = uniforms(keys_R, dtype)[:, None] * sum_RV[:, -1:]
    token_R1 = torch.searchsorted(sum_RV, wanted_R1, right=True)
    return token_R1[:, 0].clamp_(max=step_RV.size(1) - 1)


def lowest_log_prob(step_RV: Tensor, sampling: Sampling) -> Tensor:
    """Log-probability R1 of the least likely token that may be drawn; its ties may be, too.

    Top-k comes first. Top-p is a share of what top-k leaves, after the temperature.
    """
    R, V = step_RV.shape
    k = min(sampling.top_k or V, V)
    if sampling.top_p is None:
        if k == V:
            return step_RV.new_full((R, 1), -torch.inf)
        return step_RV.topk(k).values[:, -1:]
    least_R1, is_found_R = _least_of_nucleus(step_RV, sampling, min(k, _NUCLEUS), k)
    if k > _NUCLEUS and len(rows_X := (~is_found_R).nonzero()[:, 0]):
        least_R1[rows_X], _ = _least_of_nucleus(step_RV[rows_X], sampling, k, k)
    return least_R1


def _least_of_nucleus(
    step_RV: Tensor, sampling: Sampling, num_best: int, k: int
) -> tuple[Tensor, Tensor]:
    """The least log-probability R1 of the nucleus, and whether R it lies among the best."""
    assert sampling.top_p is not None
    best_RX, sum_RX, total_R1 = _running_sums(step_RV, sampling, num_best, k)
    # a token is in the nucleus if those before it do not fill it; the first always is
    last_R1 = (sum_RX < sampling.top_p * total_R1).sum(1, keepdim=True)
    is_found_R = last_R1[:, 0] < num_best
    return best_RX.gather(1, last_R1.clamp_(max=num_best - 1)), is_found_R


def _running_sums(
    step_RV: Tensor, sampling: Sampling, num_best: int, k: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities and running sums of weights of the best tokens; weight R1 of the best k."""
    best_RX = step_RV.topk(num_best).values
    dtype = torch.float32 if step_RV.device.type == "mps" else torch.float64
    top_R1 = best_RX[:, :1].to(dtype).clamp(min=torch.finfo(step_RV.dtype).min)
    sum_RX = ((best_RX.to(dtype) - top_R1) / sampling.temperature).exp_().cumsum(-1)
    if num_best == k:
        return best_RX, sum_RX, sum_RX[:, -1:]
    among_RV = step_RV if k == step_RV.size(1) else step_RV.topk(k).values
    weights_RV = ((among_RV.to(dtype) - top_R1) / sampling.temperature).exp_()
    return best_RX, sum_RX, weights_RV.sum(-1, keepdim=True)


def _hypotheses(
    tokens_BWT: Tensor, length_BW: Tensor, log_prob_BW: Tensor, options: SearchOptions
) -> list[list[Hypothesis]]:
    """The hypotheses of each sentence."""
    hypotheses_of = []
    for tokens_WT, lengths, log_probs in zip(
        tokens_BWT.tolist(), length_BW.tolist(), log_prob_BW.tolist(), strict=True
    ):
        hypotheses = []
        for tokens, length, log_prob in zip(tokens_WT, lengths, log_probs, strict=True):
            if log_prob == -torch.inf:
                hypotheses.append(Hypothesis((), False, log_prob, log_prob))
                continue
            is_complete = tokens[length - 1] == options.eos_id
            kept = tuple(tokens[: length - 1] if is_complete else tokens[:length])
            score = log_prob / options.penalty(length)
            hypotheses.append(Hypothesis(kept, is_complete, log_prob, score))
        hypotheses_of.append(hypotheses)
    return hypotheses_of


def _range(end: int, like: Tensor) -> Tensor:
    return torch.arange(end, dtype=like.dtype, device=like.device)
