# Shape suffixes: B sentences, Q query length, M key length, D d_model, H heads, K head_dim,
#   G heads of keys and values.
"""Project queries, keys and values into heads, and the heads back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Projections of queries, keys, values and output around an attention such as `attend`.

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
