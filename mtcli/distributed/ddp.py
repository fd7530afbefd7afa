"""Wraps a module so that backward passes sum its gradients over processes."""

from __future__ import annotations

import inspect

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mtcli.distributed.world import World


def wrap(module: nn.Module, world: World, device: torch.device) -> nn.Module:
    """The module itself for one process, else one whose gradients are averaged over all.

    The average is DDP's: multiply the loss by `world.size` where the sum is wanted. The weights
    of rank 0 go to all. Buffers are taken to be constants and are left alone.

    Args:
        module: All its parameters must lie on `device` and take part in every backward pass.
        world: The processes that train together.
        device: Of this process; on cuda, the one of `world.local_rank`.
    """
    if world.size == 1:
        return module
    device_ids = [world.local_rank] if device.type == "cuda" else None
    # torch 2.13 calls broadcast_buffers deprecated; torch 2.9 does not know its successor.
    if "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters:
        return DistributedDataParallel(
            module, device_ids, gradient_as_bucket_view=True, forward_sync_buffers=False
        )
    return DistributedDataParallel(
        module, device_ids, gradient_as_bucket_view=True, broadcast_buffers=False
    )
