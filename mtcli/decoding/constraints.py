# Shape suffixes: B sentences, S source length, W beam width, R rows (B * W, sentence by sentence),
#   V vocabulary, T tokens so far (BOS not counted), P longest prefix, N sentences that stay,
#   C windows of n tokens.
"""Wrap a scorer so that hypotheses begin with a prefix and do not repeat themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from mtcli.decoding.options import SearchOptions
from mtcli.decoding.scorer import Scorer, StateT

_FREE = -1
"""In a prefix: here the search chooses."""


@dataclass
class ConstrainedState(Generic[StateT]):
    """State of the inner scorer, and what each row was fed."""

    inner: StateT
    beam_size: int
    fed_RT: Tensor
    """Tokens so far, without BOS; grows by a column a step."""
    prefix_BP: Tensor
    """Tokens that are forced; -1 where the search is free."""
    is_started: bool = False
    """Whether BOS was fed."""


class ConstrainedScorer(Generic[StateT]):
    """Implements `Scorer`: what breaks the constraints gets -inf. Nothing is renormalised.

    Args:
        scorer: what is constrained.
        options: `no_repeat_ngram`, `repetition_penalty` and `forbidden_ids` hold wherever there is
            no prefix. The search itself must not forbid ids: a prefix may hold them.
        prefix_ids: for each sentence the tokens that its hypotheses begin with, without BOS,
            perhaps none; empty: no sentence has a prefix. They count for lengths and
            log-probabilities.
    """

    def __init__(
        self,
        scorer: Scorer[StateT],
        options: SearchOptions,
        prefix_ids: Sequence[Sequence[int]] = (),
    ) -> None:
        self.scorer, self.options, self.prefix_ids = scorer, options, prefix_ids
        self.vocab_size, self.dtype = scorer.vocab_size, scorer.dtype

    def start(
        self, src_ids_BS: Tensor, *, beam_size: int, max_length: int
    ) -> ConstrainedState[StateT]:
        """See `Scorer`."""
        inner = self.scorer.start(src_ids_BS, beam_size=beam_size, max_length=max_length)
        B, device = src_ids_BS.size(0), src_ids_BS.device
        fed_RT = torch.empty((B * beam_size, 0), dtype=torch.long, device=device)
        prefixes = self.prefix_ids or ((),) * B
        longest = max(map(len, prefixes), default=0)
        padded = [[*prefix, *[_FREE] * (longest - len(prefix))] for prefix in prefixes]
        prefix_BP = torch.tensor(padded, dtype=torch.long, device=device).view(B, longest)
        return ConstrainedState(inner, beam_size, fed_RT, prefix_BP)

    def log_probs(self, ids_R: Tensor, state: ConstrainedState[StateT]) -> Tensor:
        """See `Scorer`."""
        if state.is_started:
            state.fed_RT = torch.cat([state.fed_RT, ids_R[:, None]], dim=1)
        state.is_started = True
        step_RV = self.scorer.log_probs(ids_R, state.inner)
        length = state.fed_RT.size(1)
        is_in_prefix = length < state.prefix_BP.size(1)
        if is_in_prefix:
            forced_R1 = state.prefix_BP[:, length, None].repeat_interleave(state.beam_size, 0)
            is_forced_R1 = forced_R1 != _FREE
            forced_R1 = forced_R1.clamp(min=0)
            # a prefix may hold what is forbidden, blocked or penalised otherwise
            forced_log_prob_R1 = step_RV.gather(1, forced_R1)
        if self.options.repetition_penalty != 1:
            penalize_repetition(step_RV, state.fed_RT, self.options.repetition_penalty)
        if self.options.no_repeat_ngram:
            block_ngrams(step_RV, state.fed_RT, self.options.no_repeat_ngram)
        if self.options.forbidden_ids:
            forbidden = torch.tensor(self.options.forbidden_ids, device=step_RV.device)
            step_RV.index_fill_(1, forbidden, -torch.inf)
        if is_in_prefix:
            step_RV.masked_fill_(is_forced_R1, -torch.inf)
            free_R1 = step_RV.gather(1, forced_R1)
            step_RV.scatter_(1, forced_R1, torch.where(is_forced_R1, forced_log_prob_R1, free_R1))
        return step_RV

    def reorder(self, rows_R: Tensor, state: ConstrainedState[StateT]) -> ConstrainedState[StateT]:
        """See `Scorer`."""
        state.inner = self.scorer.reorder(rows_R, state.inner)
        state.fed_RT = state.fed_RT.index_select(0, rows_R)
        return state

    def keep_sentences(
        self, sentences_N: Tensor, state: ConstrainedState[StateT]
    ) -> ConstrainedState[StateT]:
        """See `Scorer`."""
        state.inner = self.scorer.keep_sentences(sentences_N, state.inner)
        fed_BWT = state.fed_RT.unflatten(0, (-1, state.beam_size))
        state.fed_RT = fed_BWT.index_select(0, sentences_N).flatten(0, 1)
        state.prefix_BP = state.prefix_BP.index_select(0, sentences_N)
        return state


def penalize_repetition(step_RV: Tensor, fed_RT: Tensor, penalty: float) -> None:
    """Multiply, in place, the log-probabilities of the tokens that a row has already."""
    # a token that is there twice is written twice, both times with the same value
    step_RV.scatter_(1, fed_RT, step_RV.gather(1, fed_RT) * penalty)


def block_ngrams(step_RV: Tensor, fed_RT: Tensor, n: int) -> None:
    """Make impossible, in place, every token that would end an n-gram which the row has already."""
    if fed_RT.size(1) < n:
        return
    windows_RCn = fed_RT.unfold(1, n, 1)
    last_R1m = fed_RT[:, None, fed_RT.size(1) - (n - 1) :]
    is_match_RC = (windows_RCn[:, :, :-1] == last_R1m).all(-1)
    limit_RC = torch.where(is_match_RC, -torch.inf, torch.inf).to(step_RV.dtype)
    # amin: where several windows end in one token, one match is enough
    step_RV.scatter_reduce_(1, windows_RCn[:, :, -1], limit_RC, "amin")
