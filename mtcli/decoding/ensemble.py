# Shape suffixes: B sentences, S source length, R rows, V vocabulary, N sentences that stay.
"""Several scorers with one vocabulary, combined into one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Generic

import torch
from torch import Tensor

from mtcli.decoding.scorer import Scorer, StateT


class EnsembleScorer(Generic[StateT]):
    """Next-token probabilities that are the mean of those of the members.

    Implements `Scorer`. It averages probabilities, not log-probabilities: a token that one member
    is sure of stays likely, and the result needs no normalisation.

    Args:
        members: at least one; all have the same vocabulary.
    """

    def __init__(self, members: Sequence[Scorer[StateT]]) -> None:
        sizes = {member.vocab_size for member in members}
        if len(sizes) != 1:
            raise ValueError(f"the members of an ensemble need one vocabulary, not {sorted(sizes)}")
        self.members = tuple(members)
        self.vocab_size = self.members[0].vocab_size
        self.dtype = self.members[0].dtype

    def start(self, src_ids_BS: Tensor, *, beam_size: int, max_length: int) -> list[StateT]:
        """A state of each member; see `Scorer`."""
        return [
            member.start(src_ids_BS, beam_size=beam_size, max_length=max_length)
            for member in self.members
        ]

    def log_probs(self, ids_R: Tensor, state: list[StateT]) -> Tensor:
        """Log of the mean of the members' probabilities; see `Scorer`."""
        first, *others = (
            member.log_probs(ids_R, own) for member, own in zip(self.members, state, strict=True)
        )
        for other_RV in others:
            torch.logaddexp(first, other_RV, out=first)
        # rounding must not lift what is certain above 0: the search counts on sums that only fall
        return first.sub_(math.log(len(self.members))).clamp_(max=0.0)

    def reorder(self, rows_R: Tensor, state: list[StateT]) -> list[StateT]:
        """See `Scorer`."""
        return [
            member.reorder(rows_R, own) for member, own in zip(self.members, state, strict=True)
        ]

    def keep_sentences(self, sentences_N: Tensor, state: list[StateT]) -> list[StateT]:
        """See `Scorer`."""
        return [
            member.keep_sentences(sentences_N, own)
            for member, own in zip(self.members, state, strict=True)
        ]
