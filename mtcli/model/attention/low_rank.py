# Shape suffixes: B sentences, Q positions, D d_model, H heads, G heads of keys and values,
#   K head_dim, E heads joined (H * K), M means.
"""Low-rank attention: keys and values of neighbouring positions are replaced by their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from mtcli.model.attention.full import attend


@dataclass(frozen=True)
class LowRankAttention:
    """Every position sees at most `rank` means of keys and values.

    The n positions of a sentence are cut into M = min(n, rank) segments, whose lengths differ by at
    most one position. A segment of c positions is seen as one key and one value, their means, with
    log c added to its logits, so that it weighs as much as c positions. Time and memory grow with
    n * rank. A sentence of at most `rank` positions is seen as it is, and then this is full
    attention.

    This is Linformer's low-rank attention (Wang et al. 2020, arXiv:2006.04768, equation 7) with
    mean pooling, one of the projections that its section 4 names. Learned projections, which are
    its default, belong to one length: they have a row for each position and mix real positions with
    padding. Nystrom landmarks (Xiong et al. 2021) need the pseudo-inverse of a softmax, which is
    badly conditioned as soon as two landmarks are alike, and worse in bf16. Random features
    (Choromanski et al. 2021) have an error that grows with exp(|q|^2) and is never 0, whatever the
    rank. Here lengths and padding do not matter, and the error is bounded:

    Let e be the largest |q . (k - k')| / sqrt(K) over queries q, keys k and their segments' means
    k'. Pooling changes each logit by at most e, so each weight by a factor between exp(-2e) and
    exp(2e), and the output by at most (exp(2e) - 1) times the largest norm of a value. If segments
    have one position each, e is 0.
    """

    rank: int
    window: ClassVar[None] = None

    def prepare(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None = None
    ) -> Sequence[Tensor | None]:
        """Positions' segments BMQ, 1 over segments' sizes BM1, their logarithms B11M.

        Only the mask of the keys if no sentence is longer than `rank`; see `SelfAttention`.
        """
        Q, device = x_BQD.size(1), x_BQD.device
        if self.rank >= Q:
            return (keep_B11Q,)
        dtype = torch.promote_types(x_BQD.dtype, torch.float32)
        position_1Q = torch.arange(Q, device=device)[None]
        if keep_B11Q is None:
            lengths_B1 = torch.full((1, 1), Q, device=device)
        else:
            lengths_B1 = keep_B11Q[:, 0, 0].sum(-1, keepdim=True)
        num_segments_B1 = lengths_B1.clamp(max=self.rank)
        segment_BQ = position_1Q * num_segments_B1 // lengths_B1.clamp(min=1)
        # padding would begin a segment of its own
        segment_BQ = segment_BQ.masked_fill(position_1Q >= lengths_B1, self.rank)
        pool_BMQ = F.one_hot(segment_BQ, self.rank + 1)[..., : self.rank].to(dtype).mT
        size_BM1 = pool_BMQ.sum(-1, keepdim=True)
        return pool_BMQ, size_BM1.clamp(min=1).reciprocal(), size_BM1.log().mT[:, None]

    def __call__(
        self,
        q_BHQK: Tensor,
        k_BGQK: Tensor,
        v_BGQK: Tensor,
        prepared: Sequence[Tensor | None],
        dropout_p: float,
    ) -> Tensor:
        """Attention BQE."""
        if len(prepared) == 1:
            return attend(q_BHQK, k_BGQK, v_BGQK, keep=prepared[0], dropout_p=dropout_p)
        pool_BMQ, share_BM1, log_size_B11M = (tensor for tensor in prepared if tensor is not None)
        B, G, Q, K = k_BGQK.shape
        kv = torch.cat([k_BGQK, v_BGQK], dim=1).transpose(1, 2).reshape(B, Q, 2 * G * K)
        # sums in one product of zeros and ones, so that bf16 rounds once, at the end
        pooled = (pool_BMQ.to(kv.dtype).expand(B, -1, -1) @ kv) * share_BM1.to(kv.dtype)
        k_BGMK, v_BGMK = pooled.unflatten(-1, (2 * G, K)).transpose(1, 2).chunk(2, dim=1)
        keep = log_size_B11M if q_BHQK.device.type == "cpu" else log_size_B11M.to(q_BHQK.dtype)
        return attend(q_BHQK, k_BGMK, v_BGMK, keep=keep, dropout_p=dropout_p)
