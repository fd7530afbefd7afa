# Shape suffixes: B sentences still in the search, W beam width, R rows (B * W, sentence by
#   sentence), V vocabulary, S source length, T length, X candidates (2 * W), N sentences that
#   stay.
"""Beam search over any next-token scorer. Knows nothing of models or text."""

from __future__ import annotations

import torch
from torch import Tensor

from mtcli.decoding.candidates import best_continuations, without_nan
from mtcli.decoding.finished import Finished
from mtcli.decoding.history import History
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.decoding.scorer import Scorer, StateT


@torch.inference_mode()
def beam_search(
    scorer: Scorer[StateT],
    src_ids_BS: Tensor,
    options: SearchOptions,
    max_length_B: Tensor | None = None,
) -> list[list[Hypothesis]]:
    """The best hypotheses of each sentence, best first: at least one, at most `num_hypotheses`.

    Each step looks at the candidates of a sentence in the order of their log-probability. Those
    among the first W that end in EOS are finished; the first W that do not end continue (see
    `SearchOptions` for a beam that gets narrower). If all
    candidates of a sentence have probability zero (the scorer says NaN), it gets one hypothesis
    that is empty, incomplete and of score -inf.

    Args:
        scorer: gives log-probabilities of the next token.
        src_ids_BS: source ids, with EOS, padded at the end.
        options: how to search, and what for.
        max_length_B: longest length of the hypotheses of each sentence, EOS counted, clamped to
            between 1 and `options.max_length`. None: `options.max_length` for all.
    """
    if src_ids_BS.size(0) == 0:
        return []
    # 1. Start: W rows for each sentence, of which only the first may be extended at first, because
    #    all W are equal.
    B, W, V = src_ids_BS.size(0), options.beam_size, scorer.vocab_size
    eos_id, device = options.eos_id, src_ids_BS.device
    limit_B, max_length = length_limits(src_ids_BS, options, max_length_B)
    penalties = [options.penalty(length) for length in range(max_length + 1)]
    penalty_T = torch.tensor(penalties, dtype=scorer.dtype, device=device)
    last_penalty_B = penalty_T[limit_B]
    log_prob_BW = torch.full((B, W), -torch.inf, dtype=scorer.dtype, device=device)
    log_prob_BW[:, 0] = 0.0
    num_ended_B = torch.zeros_like(limit_B)
    has_best_ended_B = torch.zeros_like(limit_B, dtype=torch.bool)
    history = History(torch.arange(B, device=device), beam_size=W, vocab_size=V)
    finished = Finished(B, options.num_hypotheses, like=log_prob_BW)
    not_continued = torch.tensor([*options.forbidden_ids, eos_id], device=device)
    eos_choice_1W = torch.arange(W, device=device)[None] * V + eos_id
    state = scorer.start(src_ids_BS, beam_size=W, max_length=max_length)
    ids_R = torch.full((B * W,), options.bos_id, device=device)
    look_every = steps_between_looks(device)

    for length in range(1, max_length + 1):
        # 2. Candidates: W continuations, and EOS after each of the W hypotheses.
        step_RV = scorer.log_probs(ids_R, state)
        eos_BW = without_nan(step_RV[:, eos_id].view(-1, W) + log_prob_BW)
        step_RV.index_fill_(1, not_continued, -torch.inf)
        log_prob_BW, choice_BW = best_continuations(log_prob_BW, step_RV)
        del step_RV  # by far the largest block: the next scores go where it was

        # 3. Finish those of the first W candidates that end in EOS; at the length limit, all W.
        first_BW, index_BW = torch.cat([log_prob_BW, eos_BW], dim=1).topk(W)
        if options.stop == "marian":
            first_BW = without_last(first_BW, num_ended_B)
        is_last_B = limit_B == length
        is_ended_BW = (index_BW >= W) | is_last_B[:, None]
        # where looking is cheap, it is cheaper than adding nothing
        if look_every > 1 or is_ended_BW.any():
            score_BW = (first_BW / penalty_T[length]).masked_fill_(~is_ended_BW, -torch.inf)
            choices_BX = torch.cat([choice_BW, eos_choice_1W.expand_as(choice_BW)], dim=1)
            finished.add(score_BW, first_BW, history.origins(choices_BX.gather(1, index_BW)))
            num_ended_B = num_ended_B + (score_BW > -torch.inf).sum(1)
            has_best_ended_B = has_best_ended_B | is_ended_BW[:, 0]
        history.append(choice_BW)

        # 4. Stop sentences: no live hypothesis can get better than the worst one kept, or the rule
        #    of `options.stop` holds. A stopped sentence stays inert until it leaves the batch.
        is_done_B = is_last_B | (log_prob_BW[:, 0] / last_penalty_B <= finished.worst_score())
        if options.stop != "optimal" and options.has_penalty:
            is_done_B |= num_ended_B >= W
        elif options.stop == "ctranslate2":
            is_done_B |= has_best_ended_B & (num_ended_B >= options.num_hypotheses)
        if options.stop == "marian":
            log_prob_BW = without_last(log_prob_BW, num_ended_B)
        log_prob_BW = log_prob_BW.masked_fill(is_done_B[:, None], -torch.inf)
        if length == max_length:
            break

        # 5. Shrink the batch once half of its sentences are done; until then copying the rest
        #    costs more than computing for nobody.
        if length % look_every == 0:
            stay_N = (~is_done_B).nonzero()[:, 0]
            if len(stay_N) == 0:
                break
            if len(stay_N) <= len(is_done_B) // 2:
                state = scorer.keep_sentences(stay_N, state)
                history.keep_sentences(finished.keep_sentences(stay_N))
                log_prob_BW, choice_BW = log_prob_BW[stay_N], choice_BW[stay_N]
                limit_B, last_penalty_B = limit_B[stay_N], last_penalty_B[stay_N]
                num_ended_B, has_best_ended_B = num_ended_B[stay_N], has_best_ended_B[stay_N]

        # 6. Continue: each row takes over the state of the hypothesis that it extends.
        if W > 1:
            sentences_B1 = torch.arange(len(choice_BW), device=device)[:, None]
            state = scorer.reorder((choice_BW // V + sentences_B1 * W).flatten(), state)
        ids_R = (choice_BW % V).flatten()

    return finished.hypotheses(history, eos_id)


def without_last(log_prob_BW: Tensor, num_B: Tensor) -> Tensor:
    """The log-probabilities with -inf for the last `num_B` of each sentence."""
    W = log_prob_BW.size(1)
    place_W = torch.arange(W, device=log_prob_BW.device)
    return log_prob_BW.masked_fill(place_W >= W - num_B[:, None], -torch.inf)


def steps_between_looks(device: torch.device) -> int:
    """Number of steps after which the host looks at which sentences are done.

    On the CPU that is every step. On an accelerator a look waits for the device, so it is cheaper
    to do a few steps for sentences that are done. Results do not depend on it.
    """
    return 1 if device.type == "cpu" else 8


def length_limits(
    src_ids_BS: Tensor, options: SearchOptions, max_length_B: Tensor | None
) -> tuple[Tensor, int]:
    """Longest length B of the hypotheses of each sentence, and the largest of them."""
    limit_B = torch.full((src_ids_BS.size(0),), options.max_length, device=src_ids_BS.device)
    if max_length_B is None:
        return limit_B, options.max_length
    limit_B = torch.minimum(limit_B, max_length_B.to(limit_B).clamp(min=1))
    return limit_B, int(limit_B.max())
