"""LayerDrop: skip whole layers at random while training."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def draw_is_skipped(p: float) -> bool:
    """True with probability `p`, by torch's generator of the CPU; 0 draws nothing."""
    return p > 0 and torch.rand((), device="cpu").item() < p


def join_idle(x: Tensor, layer: nn.Module) -> Tensor:
    """`x`, in a graph in which every parameter of `layer` has a gradient of zero.

    Without it a skipped layer would have no gradient at all: DDP would wait for it for ever, and
    one process's None would meet another's numbers.
    """
    for parameter in layer.parameters():
        x = x + 0.0 * parameter.flatten()[0]
    return x
