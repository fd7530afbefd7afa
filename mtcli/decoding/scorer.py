# Shape suffixes: B sentences, S source length, D d_model, R rows (B * W, sentence by sentence),
#   V target vocabulary, N sentences that stay.
"""What a search needs of a model: log-probabilities of the next token, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from mtcli.model.seq2seq import Seq2Seq
from mtcli.model.state import DecodingState

StateT = TypeVar("StateT")


class Scorer(Protocol[StateT]):
    """Next-token log-probabilities of a batch of hypotheses.

    What changes them (a forced prefix, blocked n-grams, an ensemble) is a scorer around a scorer:
    it sees every token that is fed and every move of rows.
    """

    @property
    def vocab_size(self) -> int:
        """V."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Type of the log-probabilities: float32, or float64 where equality is tested."""
        ...

    def start(self, src_ids_BS: Tensor, *, beam_size: int, max_length: int) -> StateT:
        """State before the first token; sentence b has rows b * beam_size and following.

        Args:
            src_ids_BS: source ids with EOS, padded at the end.
            beam_size: rows of each sentence.
            max_length: tokens that will at most be fed to a row.
        """
        ...

    def log_probs(self, ids_R: Tensor, state: StateT) -> Tensor:
        """Log-probabilities RV, of type `dtype`, after feeding each row one more token.

        The first token must be the same for all rows of a sentence.

        The tensor is fresh: the search writes into it. All are at most 0. A continuation whose
        value is NaN or -inf is never chosen. Ids are always within the vocabulary.
        """
        ...

    def reorder(self, rows_R: Tensor, state: StateT) -> StateT:
        """Let row i continue what row `rows_R[i]` was, a row of the same sentence."""
        ...

    def keep_sentences(self, sentences_N: Tensor, state: StateT) -> StateT:
        """Drop all sentences but these, which come to stand in the given order."""
        ...


class ModelScorer:
    """Scores by a model, which must be in evaluation mode.

    Args:
        model: the model.
        pad_id: source id that the model may not see.
        given_ids: tokens that are fed to every row before the first token of the search.
    """

    def __init__(self, model: Seq2Seq, *, pad_id: int, given_ids: Sequence[int] = ()) -> None:
        self.model = model
        self.pad_id = pad_id
        self.given_ids = given_ids
        self.vocab_size = model.output_weight_VD.size(0)
        # Sums of log-probabilities need float32, whatever the model computes in.
        self.dtype = torch.promote_types(model.output_weight_VD.dtype, torch.float32)

    def start(self, src_ids_BS: Tensor, *, beam_size: int, max_length: int) -> DecodingState:
        """Encodes the sources; see `Scorer`."""
        src_keep_BS = src_ids_BS != self.pad_id
        keep = None if bool(src_keep_BS.all()) else src_keep_BS
        memory_BSD = self.model.encode(src_ids_BS, keep)
        state = self.model.start(
            memory_BSD, keep, beam_size=beam_size, max_length=max_length + len(self.given_ids)
        )
        for given_id in self.given_ids:
            num_fed = state.num_sentences * state.num_fed
            self.model.step(torch.full((num_fed,), given_id, device=src_ids_BS.device), state)
        return state

    def log_probs(self, ids_R: Tensor, state: DecodingState) -> Tensor:
        """Log-softmax of the model's logits; see `Scorer`."""
        is_first = state.num_steps == 0
        logits_RV = self.logits(ids_R, state)
        # Choosing among logits and subtracting a logsumexp would spare writing RV, but torch's
        # logsumexp is several kernels and this is one: 3.8 against 2.2 ms for 320 x 10000
        # (2026-11, one thread of an AMD EPYC). In place it takes 0.77 of the time (2026-11-26).
        if logits_RV.dtype == self.dtype:
            log_probs_RV = torch.log_softmax(logits_RV, -1, out=logits_RV)
        else:
            log_probs_RV = logits_RV.log_softmax(-1, dtype=self.dtype)
        if is_first and state.beam_size > 1:
            return log_probs_RV.repeat_interleave(state.beam_size, 0)
        return log_probs_RV

    def logits(self, ids_R: Tensor, state: DecodingState) -> Tensor:
        """The model's logits, fresh, of the type that it computes in; feeds like `log_probs`.

        Of the first token they are BV: those of a sentence stand for all its rows.
        """
        if state.num_steps == 0:
            ids_R = ids_R[:: state.beam_size]
        return self.model.output_logits(self.model.step(ids_R, state))

    def reorder(self, rows_R: Tensor, state: DecodingState) -> DecodingState:
        """See `Scorer`."""
        state.reorder(rows_R)
        return state

    def keep_sentences(self, sentences_N: Tensor, state: DecodingState) -> DecodingState:
        """See `Scorer`."""
        state.keep_sentences(sentences_N)
        return state
