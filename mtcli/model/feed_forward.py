# Shape suffixes: B sentences, T length, D d_model, F d_ff.
"""Position-wise feed-forward block, plain or gated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from mtcli.model.dropout import dropout

Activation = Literal["relu", "gelu", "silu"]

_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
}


class FeedForward(nn.Module):
    """activation(x W1) W2, or (activation(x W1) * x W3) W2 when gated.

    Source: Vaswani et al. 2017, equation 2; gated: Shazeer 2020, equation 6.
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        *,
        activation: Activation,
        gated: bool,
        bias: bool,
        dropout_p: float,
    ) -> None:
        super().__init__()
        self.activation = _ACTIVATIONS[activation]
        self.dropout_p = dropout_p
        self.in_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.gate_proj = nn.Linear(d_model, d_ff, bias=bias) if gated else None
        self.out_proj = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Same shape as `x_BTD`."""
        inner_BTF = self.activation(self.in_proj(x_BTD))
        if self.gate_proj is not None:
            inner_BTF = inner_BTF * self.gate_proj(x_BTD)
        inner_BTF = dropout(inner_BTF, self.dropout_p, training=self.training)
        out_BTD: Tensor = self.out_proj(inner_BTF)
        return out_BTD
