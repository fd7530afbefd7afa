# Shape suffixes: B sentences, Q query length, M key length, H heads, K head_dim.
"""Attention on a CPU: written out where that is faster than torch's kernel."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

from mtcli.model.dropout import dropout

_MANY_QUERIES = 32
"""Queries under a mask that is added from which torch's kernel is faster."""
_LARGEST_WEIGHTS = 2**24
"""Attention weights that one call may write out, all heads of a batch: 64 MiB in fp32."""


def attend_on_cpu(
    q_BHQK: Tensor,
    k_BHMK: Tensor,
    v_BHMK: Tensor,
    *,
    keep: Tensor | None,
    is_causal: bool,
    dropout_p: float,
) -> Tensor:
    """Attention of equally many heads by the faster of two kernels; shape BHQK.

    Autocast is off inside: the type of the operands decides.

    Args:
        q_BHQK: queries.
        k_BHMK: keys.
        v_BHMK: values.
        keep: True where a query may look, broadcastable to BHQM; or a float mask to be added.
        is_causal: query i sees keys 0 to i; excludes `keep`.
        dropout_p: probability of dropping an attention weight.
    """
    with _without_autocast():
        if _pays_written_out(q_BHQK, k_BHMK, keep, dropout_p):
            if is_causal:
                shape = q_BHQK.size(2), k_BHMK.size(2)
                keep = torch.ones(shape, dtype=torch.bool, device=q_BHQK.device).tril()
            return _attend_written_out(q_BHQK, k_BHMK, v_BHMK, keep, dropout_p)
        if q_BHQK.dtype in (torch.bfloat16, torch.float16):  # the kernel is slow in these
            q_BHQK, k_BHMK, v_BHMK = q_BHQK.float(), k_BHMK.float(), v_BHMK.float()
        return F.scaled_dot_product_attention(
            q_BHQK, k_BHMK, v_BHMK, attn_mask=keep, dropout_p=dropout_p, is_causal=is_causal
        )


def additive_mask(keep: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where `keep` is True, and -inf elsewhere."""
    return keep.new_zeros(keep.shape, dtype=dtype).masked_fill_(~keep, -torch.inf)


def _without_autocast() -> AbstractContextManager[object]:
    if torch.is_autocast_enabled("cpu"):
        return torch.autocast("cpu", enabled=False)
    return nullcontext()


def _pays_written_out(
    q_BHQK: Tensor, k_BHMK: Tensor, keep: Tensor | None, dropout_p: float
) -> bool:
    """Whether products and a softmax are faster than torch's CPU kernel, and are not too large.

    In training: the backward pass of that kernel is 5 times slower in bf16 than in fp32, which
    would eat all that bf16 wins elsewhere. Written out in bf16, forward and backward take 0.6 to
    0.9 of the kernel's time in fp32, at lengths from 15 to 200 (2026-11-23, EPYC Zen 4, torch 2.13,
    one thread); written out in fp32, 0.6 to 0.9 of it, too, at lengths from 16 to 50 (2026-11-25,
    EPYC Zen 3, torch 2.13, one thread). In a step of beam search, where few queries look at a few
    dozen keys under a mask: 0.2 to 0.45 of the kernel's time (the same, two threads). With a single
    query, as in greedy search, the kernel is as fast.

    Under a mask that is added to the weights, as local and low-rank attention have it, writing out
    reads all weights once more, and the kernel does not: it takes 0.4 to 0.7 of the time, in
    training 0.5 to 0.8, at 64 to 256 positions and in blocks of 32 to 256 (2026-11-29, Intel Xeon
    with AVX-512, torch 2.13, one thread, fp32). It knows no dropout.
    """
    is_added = keep is not None and keep.is_floating_point()
    is_exact = q_BHQK.dtype in (torch.float32, torch.float64) and dropout_p == 0
    if is_added and is_exact and q_BHQK.size(2) >= _MANY_QUERIES:
        return False
    num_weights = q_BHQK.shape[:-1].numel() * k_BHMK.size(2)
    is_single = q_BHQK.size(2) == 1
    return (q_BHQK.requires_grad or not is_single) and num_weights <= _LARGEST_WEIGHTS


def _attend_written_out(
    q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, keep: Tensor | None, dropout_p: float
) -> Tensor:
    """Attention as matrix products and a softmax; shape BHQK."""
    logits_BHQM = (q_BHQK * q_BHQK.size(-1) ** -0.5) @ k_BHMK.mT
    if keep is not None:
        logits_BHQM += keep if keep.is_floating_point() else additive_mask(keep, logits_BHQM.dtype)
    weights_BHQM = dropout(logits_BHQM.softmax(-1), dropout_p, training=True)
    out_BHQK: Tensor = weights_BHQM @ v_BHMK
    return out_BHQK
