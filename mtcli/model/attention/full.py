# Shape suffixes: B sentences, Q query length, M key length, H heads, K head_dim,
#   G heads of keys and values.
"""Full attention: every query may look at every key that its mask keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from mtcli.model.attention.cpu import attend_on_cpu


def attend(
    q_BHQK: Tensor,
    k_BGMK: Tensor,
    v_BGMK: Tensor,
    *,
    keep: Tensor | None = None,
    is_causal: bool = False,
    dropout_p: float = 0.0,
) -> Tensor:
    """Attention of every query over all keys, heads joined: shape BQ(HK).

    Args:
        q_BHQK: queries.
        k_BGMK: keys; H is a multiple of G, and each of the G serves H / G neighbouring heads.
        v_BGMK: values.
        keep: True where a query may look, broadcastable to BHQM; or a float mask to be added.
            A query that may look nowhere yields NaN, so no row may be all False.
        is_causal: query i sees keys 0 to i; excludes `keep`.
        dropout_p: probability of dropping an attention weight.

    Source: Vaswani et al. 2017, equation 1; grouped heads: Ainslie et al. 2023.
    """
    groups = q_BHQK.size(1) // k_BGMK.size(1)
    if groups > 1:
        k_BGMK = k_BGMK.repeat_interleave(groups, dim=1)
        v_BGMK = v_BGMK.repeat_interleave(groups, dim=1)
    if q_BHQK.device.type == "cpu":
        out_BHQK = attend_on_cpu(
            q_BHQK, k_BGMK, v_BGMK, keep=keep, is_causal=is_causal, dropout_p=dropout_p
        )
    else:
        out_BHQK = F.scaled_dot_product_attention(
            q_BHQK, k_BGMK, v_BGMK, attn_mask=keep, dropout_p=dropout_p, is_causal=is_causal
        )
    return out_BHQK.transpose(1, 2).flatten(-2)


def as_key_mask(src_keep_BS: Tensor | None) -> Tensor | None:
    """The mask of source tokens as attention takes it, B11S."""
    return None if src_keep_BS is None else src_keep_BS[:, None, None, :]


@dataclass(frozen=True)
class FullAttention:
    """Every position sees every other; if it is causal, every earlier one and itself."""

    is_causal: bool
    window: ClassVar[None] = None

    def prepare(
        self, x_BQD: Tensor, keep_B11Q: Tensor | None, is_separator_BQ: Tensor | None = None
    ) -> Sequence[Tensor | None]:
        """The mask of the keys, as it is; see `SelfAttention`."""
        return (keep_B11Q,)

    def __call__(
        self,
        q_BHQK: Tensor,
        k_BGQK: Tensor,
        v_BGQK: Tensor,
        prepared: Sequence[Tensor | None],
        dropout_p: float,
    ) -> Tensor:
        """Attention BQE."""
        return attend(
            q_BHQK,
            k_BGQK,
            v_BGQK,
            keep=prepared[0],
            is_causal=self.is_causal,
            dropout_p=dropout_p,
        )


def attention_weights(q_BHQK: Tensor, k_BGMK: Tensor, keep: Tensor | None) -> Tensor:
    """How much every query looks at every key, BHQM, written out: what `attend` weighs by.

    Args:
        q_BHQK: queries.
        k_BGMK: keys; H is a multiple of G.
        keep: True where a query may look, broadcastable to BHQM; None: everywhere.
    """
    k_BHMK = k_BGMK.repeat_interleave(q_BHQK.size(1) // k_BGMK.size(1), dim=1)
    dtype = torch.promote_types(q_BHQK.dtype, torch.float32)
    logits_BHQM = (q_BHQK @ k_BHMK.mT).to(dtype) / q_BHQK.size(-1) ** 0.5
    if keep is not None:
        logits_BHQM = logits_BHQM.masked_fill(~keep, -torch.inf)
    weights_BHQM: Tensor = logits_BHQM.softmax(-1)
    return weights_BHQM
