"""Slow, obvious oracles that the fast paths are held against."""

from __future__ import annotations

import torch


# ------------------------------------------------------------------------------------ model oracles


def smoothed_cross_entropy_written_out(
    hidden_ND: torch.Tensor, weight_VD: torch.Tensor, ids_N: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """-sum over tokens and ids of label times log-probability, with the labels written out."""
    V = weight_VD.size(0)
    log_probs_NV = (hidden_ND @ weight_VD.T).log_softmax(-1)
    labels_NV = torch.full_like(log_probs_NV, smoothing / V)
    labels_NV[torch.arange(len(ids_N)), ids_N] += 1 - smoothing
    return -(labels_NV * log_probs_NV).sum()


def attention_written_out(
    attention: torch.nn.Module,
    x_BQD: torch.Tensor,
    keep: torch.Tensor | None,
    is_causal: bool,
) -> torch.Tensor:
    """softmax(Q K^T / sqrt(d_k)) V, head by head, heads joined: before the output projection."""
    H, G, K = attention.num_heads, attention.num_kv_heads, attention.head_dim
    q, k, v = attention.q_proj(x_BQD), attention.k_proj(x_BQD), attention.v_proj(x_BQD)
    if is_causal:
        keep = torch.ones(x_BQD.size(1), x_BQD.size(1), dtype=torch.bool).tril()[None, None]
    heads = []
    for h in range(H):
        g = h // (H // G)
        own_q = q[..., h * K : (h + 1) * K]
        own_k, own_v = k[..., g * K : (g + 1) * K], v[..., g * K : (g + 1) * K]
        scores = own_q @ own_k.transpose(-1, -2) / K**0.5
        scores = scores.masked_fill(~keep[:, 0], -torch.inf)
        heads.append(scores.softmax(-1) @ own_v)
    return torch.cat(heads, dim=-1)
