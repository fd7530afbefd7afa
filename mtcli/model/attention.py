# Shape suffixes: B sentences, Q query length, M key length, D d_model, H heads, K head_dim,
#   G heads of keys and values.
"""Multi-head attention, shared by encoder and decoder."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtcli.model.dropout import dropout

_LARGEST_WEIGHTS = 2**24
"""Attention weights that one call may write out, all heads of a batch: 64 MiB in fp32."""


def _without_cpu_autocast(x: Tensor) -> AbstractContextManager[object]:
    """Autocast off around attention on CPU, which chooses its own arithmetic there."""
    if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        return torch.autocast("cpu", enabled=False)
    return nullcontext()


def _pays_written_out(q_BHQK: Tensor, k_BHMK: Tensor) -> bool:
    """Whether products and a softmax are faster than torch's CPU kernel, and are not too large.

    In training: the backward pass of that kernel is 5 times slower in bf16 than in fp32, which
    would eat all that bf16 wins elsewhere. Written out in bf16, forward and backward take 0.6 to
    0.9 of the kernel's time in fp32, at lengths from 15 to 200 (2026-11-23, EPYC Zen 4, torch 2.13,
    one thread); written out in fp32, 0.6 to 0.9 of it, too, at lengths from 16 to 50 (2026-11-25,
    EPYC Zen 3, torch 2.13, one thread). In a step of beam search, where few queries look at a few
    dozen keys under a mask: 0.2 to 0.45 of the kernel's time (the same, two threads). With a single
    query, as in greedy search, the kernel is as fast.
    """
    num_weights = q_BHQK.shape[:-1].numel() * k_BHMK.size(2)
    is_single = q_BHQK.size(2) == 1
    return (q_BHQK.requires_grad or not is_single) and num_weights <= _LARGEST_WEIGHTS


def _attend_written_out(
    q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, keep: Tensor | None, dropout_p: float
) -> Tensor:
    """`attend` of equally many heads as matrix products and a softmax; shape BHQK."""
    logits_BHQM = (q_BHQK * q_BHQK.size(-1) ** -0.5) @ k_BHMK.mT
    if keep is not None:
        logits_BHQM += keep if keep.is_floating_point() else additive_mask(keep, logits_BHQM.dtype)
    weights_BHQM = dropout(logits_BHQM.softmax(-1), dropout_p, training=True)
    out_BHQK: Tensor = weights_BHQM @ v_BHMK
    return out_BHQK


def additive_mask(keep: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where `keep` is True, and -inf elsewhere."""
    return keep.new_zeros(keep.shape, dtype=dtype).masked_fill_(~keep, -torch.inf)


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
    is_on_cpu = q_BHQK.device.type == "cpu"
    with _without_cpu_autocast(q_BHQK):
        if is_on_cpu and _pays_written_out(q_BHQK, k_BGMK):
            if is_causal:
                shape = q_BHQK.size(2), k_BGMK.size(2)
                keep = torch.ones(shape, dtype=torch.bool, device=q_BHQK.device).tril()
            out_BHQK = _attend_written_out(q_BHQK, k_BGMK, v_BGMK, keep, dropout_p)
        else:
            if is_on_cpu and q_BHQK.dtype in (torch.bfloat16, torch.float16):
                q_BHQK, k_BGMK, v_BGMK = q_BHQK.float(), k_BGMK.float(), v_BGMK.float()
            out_BHQK = F.scaled_dot_product_attention(
                q_BHQK, k_BGMK, v_BGMK, attn_mask=keep, dropout_p=dropout_p, is_causal=is_causal
            )
    return out_BHQK.transpose(1, 2).flatten(-2)


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


class MultiHeadAttention(nn.Module):
    """Projections of queries, keys, values and output around `attend`.

    The projections keep plain separate weights, so that other tools can read them; queries, keys
    and values of self-attention are one matrix product at run time.
    """

    def __init__(
        self, d_model: int, num_heads: int, num_kv_heads: int, head_dim: int, *, bias: bool
    ) -> None:
        super().__init__()
        self.num_heads, self.num_kv_heads, self.head_dim = num_heads, num_kv_heads, head_dim
        self.q_proj = nn.Linear(d_model, num_heads * head_dim, bias=bias)
        self.k_proj = nn.Linear(d_model, num_kv_heads * head_dim, bias=bias)
        self.v_proj = nn.Linear(d_model, num_kv_heads * head_dim, bias=bias)
        self.out_proj = nn.Linear(num_heads * head_dim, d_model, bias=bias)

    def project_q(self, x_BQD: Tensor) -> Tensor:
        """Queries BHQK."""
        return self._split(self.q_proj(x_BQD), self.num_heads)

    def project_kv(self, x_BMD: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values, each BGMK."""
        kv = _joint_linear(x_BMD, [self.k_proj, self.v_proj])
        k, v = kv.chunk(2, dim=-1)
        return self._split(k, self.num_kv_heads), self._split(v, self.num_kv_heads)

    def project_qkv(self, x_BQD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries BHQK, keys and values BGQK, from one matrix product."""
        qkv = _joint_linear(x_BQD, [self.q_proj, self.k_proj, self.v_proj])
        wide, narrow = self.num_heads * self.head_dim, self.num_kv_heads * self.head_dim
        q, k, v = qkv.split([wide, narrow, narrow], dim=-1)
        return (
            self._split(q, self.num_heads),
            self._split(k, self.num_kv_heads),
            self._split(v, self.num_kv_heads),
        )

    def project_out(self, x_BQE: Tensor) -> Tensor:
        """The joined heads (E = H * K) back at width D."""
        out: Tensor = self.out_proj(x_BQE)
        return out

    def _split(self, x: Tensor, heads: int) -> Tensor:
        split: Tensor = x.unflatten(-1, (heads, self.head_dim))
        return split.transpose(1, 2)


def _joint_linear(x: Tensor, layers: list[nn.Linear]) -> Tensor:
    """All `layers` applied to `x` as one product, outputs side by side."""
    weights: list[Tensor] = [layer.weight for layer in layers]
    biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
    return F.linear(x, torch.cat(weights), torch.cat(biases) if biases else None)
