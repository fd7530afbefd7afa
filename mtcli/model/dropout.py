"""Dropout with cheap masks on the CPU, where torch draws its random numbers one by one."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BYTE_VALUES = 256


def _random_bytes(shape: torch.Size, device: torch.device) -> Tensor:
    """Uniform bytes of the given shape: one 64-bit draw makes eight of them."""
    num_bytes = shape.numel()
    words = torch.empty((num_bytes + 7) // 8, dtype=torch.int64, device=device)
    # From the lowest integer with no upper end: all 64 bits are random.
    words.random_(-(2**63), None)
    return words.view(torch.uint8)[:num_bytes].view(shape)


class _ByteDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, threshold: int) -> Tensor:
        keep = _random_bytes(x.shape, x.device) >= threshold
        # Scaled by the probability that was really used, so the expectation is exact.
        scale = _BYTE_VALUES / (_BYTE_VALUES - threshold)
        ctx.save_for_backward(keep)
        ctx.scale = scale
        return (x * scale).mul_(keep)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (keep,) = ctx.saved_tensors
        return (grad_outputs[0] * ctx.scale).mul_(keep), None


def dropout(x: Tensor, p: float, *, training: bool) -> Tensor:
    """`x` with each unit zeroed with probability `p` and the rest scaled up to keep the mean.

    On CPU the probability is the nearest multiple of 1/256, and the scale is that of the
    probability really used, so the result is unbiased. Elsewhere, and under torch.compile, it is
    torch's own dropout.

    Source: Srivastava et al. 2014, in the inverted form.
    """
    threshold = round(p * _BYTE_VALUES)
    if not training or threshold == 0:
        return x
    # torch.compile (2.13) fails on bytes that are a view of words, and fuses torch's own dropout.
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        return _ByteDropout.apply(x, threshold)  # type: ignore[no-any-return,no-untyped-call]
    return F.dropout(x, p, training=True)


class Dropout(nn.Module):
    """Module form of `dropout`."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        return dropout(x, self.p, training=self.training)
