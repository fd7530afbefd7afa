"""Whether all numbers of a state are finite."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mtcli.distributed.fsdp import local_part


@torch.no_grad()
def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that holds a NaN or an infinity; None if none does.

    Reads each tensor once, and waits for the device: not for every update. Of a sharded tensor
    this process's part is looked at, and nothing is sent.
    """
    for name, tensor in tensors.items():
        part = local_part(tensor)
        if not part.is_floating_point() or not part.numel():
            continue
        # NaN is both the smallest and the largest; unlike isfinite(), this takes no memory
        extremes = torch.stack(torch.aminmax(part.detach()))
        if not bool(extremes.isfinite().all()):
            return name
    return None
