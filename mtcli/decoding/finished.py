# Shape suffixes: B sentences of the batch, N sentences still in the search, K hypotheses kept of
#   each sentence (num_hypotheses), X hypotheses that may enter.
"""Keep the best finished hypotheses of every sentence."""

from __future__ import annotations

import torch
from torch import Tensor

from mtcli.decoding.history import History
from mtcli.decoding.options import Hypothesis


class Finished:
    """The K best finished hypotheses of each sentence, best first, in a buffer of fixed size.

    Args:
        num_sentences: B.
        num_kept: K.
        like: a tensor of the type and device of log-probabilities.
    """

    def __init__(self, num_sentences: int, num_kept: int, *, like: Tensor) -> None:
        shape = (num_sentences, num_kept)
        self._all_score_BK = like.new_full(shape, -torch.inf)
        self._all_log_prob_BK = like.new_full(shape, -torch.inf)
        self._all_origin_BK = torch.zeros(shape, dtype=torch.long, device=like.device)
        self._sentences_N = torch.arange(num_sentences, device=like.device)
        # copies, for torch refuses to store a tensor into itself: of a batch that ends with nothing
        self._score_NK = self._all_score_BK.clone()
        self._log_prob_NK = self._all_log_prob_BK.clone()
        self._origin_NK = self._all_origin_BK.clone()

    def add(self, score_NX: Tensor, log_prob_NX: Tensor, origin_NX: Tensor) -> None:
        """Keep the hypotheses that are better than those kept so far; -inf is ignored."""
        score_NX = torch.cat([self._score_NK, score_NX], dim=1)
        self._score_NK, index_NK = score_NX.topk(self._score_NK.size(1))
        self._log_prob_NK = torch.cat([self._log_prob_NK, log_prob_NX], dim=1).gather(1, index_NK)
        self._origin_NK = torch.cat([self._origin_NK, origin_NX], dim=1).gather(1, index_NK)

    def worst_score(self) -> Tensor:
        """Score N of the worst hypothesis kept; -inf while there are fewer than K."""
        return self._score_NK[:, -1]

    def keep_sentences(self, places_N: Tensor) -> Tensor:
        """Drop all sentences but these. Returns their places in the batch."""
        self._store()
        self._sentences_N = self._sentences_N.index_select(0, places_N)
        self._score_NK = self._score_NK.index_select(0, places_N)
        self._log_prob_NK = self._log_prob_NK.index_select(0, places_N)
        self._origin_NK = self._origin_NK.index_select(0, places_N)
        return self._sentences_N

    def hypotheses(self, history: History, eos_id: int) -> list[list[Hypothesis]]:
        """The hypotheses that were kept, by sentence of the batch.

        A sentence without any (the model said NaN) gets one empty hypothesis that is incomplete and
        has log-probability and score -inf.
        """
        self._store()
        is_kept_BK = self._all_score_BK > -torch.inf
        sentence_X = is_kept_BK.nonzero()[:, 0]
        token_ids = history.token_ids(sentence_X, self._all_origin_BK[is_kept_BK])
        hypotheses_of: list[list[Hypothesis]] = [[] for _ in range(self._all_score_BK.size(0))]
        for sentence, ids, log_prob, score in zip(
            sentence_X.tolist(),
            token_ids,
            self._all_log_prob_BK[is_kept_BK].tolist(),
            self._all_score_BK[is_kept_BK].tolist(),
            strict=True,
        ):
            is_complete = ids[-1] == eos_id
            tokens = tuple(ids[:-1] if is_complete else ids)
            hypotheses_of[sentence].append(Hypothesis(tokens, is_complete, log_prob, score))
        nothing = Hypothesis((), False, -torch.inf, -torch.inf)
        return [hypotheses or [nothing] for hypotheses in hypotheses_of]

    def _store(self) -> None:
        self._all_score_BK[self._sentences_N] = self._score_NK
        self._all_log_prob_BK[self._sentences_N] = self._log_prob_NK
        self._all_origin_BK[self._sentences_N] = self._origin_NK
