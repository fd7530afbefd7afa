"""Shards weights, gradients and optimizer state over processes, by FSDP2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from mtcli.distributed.world import World

# torch.distributed.tensor and .fsdp are imported where they are used: 0.7 s of CPU time that only
# sharded runs should pay (2026-11-25, EPYC Zen 3, torch 2.13).


def shard(
    module: nn.Module, blocks: Iterable[nn.Module], world: World, device: torch.device
) -> None:
    """Leave each process its share of the parameters of `module`: rows, of every one.

    The parameters become DTensors in place, and so do their gradients. A block's are gathered for
    its forward and backward pass, what is in no block for all of the root's. The gradients are
    averaged over processes, as DDP's are.

    Args:
        module: the root, called in every forward pass; its weights must be alike everywhere.
        blocks: modules in it that are called one after the other; called means `module(...)`.
        world: the processes that train together, more than one.
        device: of this process.

    Source: Zhao et al. 2023 (PyTorch FSDP); Rajbhandari et al. 2020 (ZeRO), stage 3.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (world.size,))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)


def gather(tensor: Tensor) -> Tensor:
    """The whole of a sharded tensor, on every process; any other tensor is returned as it is.

    Collective: all processes call it, in the same order.
    """
    if not _is_sharded(tensor):
        return tensor
    from torch.distributed.tensor import DTensor

    assert isinstance(tensor, DTensor)
    return tensor.full_tensor()


def local_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor: all of it, unless it is sharded."""
    if not _is_sharded(tensor):
        return tensor
    from torch.distributed.tensor import DTensor

    assert isinstance(tensor, DTensor)
    return tensor.to_local()


def scatter(whole: Tensor, like: Tensor) -> Tensor:
    """What this process holds of `whole` if that is sharded as `like`; else `whole` itself.

    Nothing is sent: every process has the whole, and takes its rows. It goes to the device of
    `like`.
    """
    whole = whole.to(like.device)
    if not _is_sharded(like):
        return whole
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    # a clone, or the rows would keep the whole alive
    return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None).clone()


def gather_on_main(tensors: Mapping[str, Tensor], world: World) -> dict[str, Tensor]:
    """The tensors on the main process, whole; none on the others. Collective.

    What was sharded comes to the CPU, one by one: no device holds the whole of all.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        whole = gather(tensor)
        if world.is_main:
            found[name] = whole.cpu() if _is_sharded(tensor) else whole
    return found


def _is_sharded(tensor: Tensor) -> bool:
    return hasattr(tensor, "full_tensor")  # what a DTensor has, without the import of its class
