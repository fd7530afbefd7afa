"""Activation checkpointing: what a layer computed is computed again for its gradient, not kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def run_layer(layer: nn.Module, *inputs: object, is_skipped: bool, is_recomputed: bool) -> Tensor:
    """The output of a layer; if it is recomputed, only its inputs are kept for the gradient.

    Dropout is the same both times, so the gradient is the same, too, bit for bit on a CPU.

    Source: Chen et al. 2016, arXiv:1604.06174, section 4.
    """
    if not is_recomputed or not torch.is_grad_enabled():
        out: Tensor = layer(*inputs, is_skipped=is_skipped)
        return out
    return checkpoint(  # type: ignore[no-any-return]
        layer, *inputs, is_skipped=is_skipped, use_reentrant=False
    )
