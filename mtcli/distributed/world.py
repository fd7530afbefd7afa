"""The processes that train together: how one joins them, and what they tell each other."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mtcli.distributed.meeting import MeetingError, meet
from mtcli.distributed.worker import LOOPBACK, Place, place_from_environment, report_failure
from mtcli.errors import DeviceError, ExitCode, MtcliError
from mtcli.system.connections import limit_silence
from mtcli.system.processes import die_with_parent
from mtcli.system.stop_signals import check_stop

_T = TypeVar("_T")

# How gloo and NCCL say that another process went away (torch 2.13): they have no class for it.
_LOST_PEER_TEXTS = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process exited",
)
# How gloo says that it has heard nothing from another process, because its machine or the network
# is down, or because it hangs.
_SILENT_PEER_TEXTS = (
    "Connection timed out",
    "No route to host",
    "Network is unreachable",
    "Application timeout caused pair closure",
)

_LONGEST_WORK_S = 7200.0
"""Longest time that a process is waited for whose machine answers: it may validate or save."""


class LostPeerError(MtcliError):
    """Another process of the run ended or cannot be reached, so this one cannot go on."""

    exit_code = ExitCode.BUG


@dataclass(frozen=True)
class World:
    """The processes that train together. The default is one process, where every call is free.

    Every call but `is_main` and `keep_gradients_local` is collective: all ranks make it, in the
    same order. Sums and objects travel over gloo between CPUs: nothing here waits for a GPU.
    """

    rank: int = 0
    """0 to size - 1."""
    size: int = 1
    """Processes on all machines."""
    local_rank: int = 0
    """Counted from 0 on this machine: the index of its GPU."""

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes files and reports."""
        return self.rank == 0

    def sum(self, values: Sequence[int]) -> list[int]:
        """Sum of each value over all processes, exact below 2**63."""
        if self.size == 1:
            return list(values)
        totals = torch.tensor(values, dtype=torch.int64, device="cpu")
        dist.all_reduce(totals)
        return [int(total) for total in totals]

    def sum_floats(self, values: Sequence[float]) -> list[float]:
        """Sum of each value over all processes, rounded once, so the same on every rank."""
        if self.size == 1:
            return list(values)
        own = torch.tensor(values, dtype=torch.float64, device="cpu")
        of_rank = [torch.empty_like(own) for _ in range(self.size)]
        dist.all_gather(of_rank, own)
        return [math.fsum(column) for column in torch.stack(of_rank, dim=1).tolist()]

    def gather_objects(self, item: _T) -> list[_T]:
        """The items of all processes, in order of rank, on every process."""
        if self.size == 1:
            return [item]
        items: list[_T] = [item] * self.size
        dist.all_gather_object(items, item)
        return items

    def broadcast_object(self, item: _T) -> _T:
        """Rank 0's item, on every process; what the others give is not looked at."""
        if self.size == 1:
            return item
        box = [item]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def barrier(self) -> None:
        """Wait until all processes are here."""
        self.sum([0])  # dist.barrier would take NCCL, and with it the GPU's queue

    def keep_gradients_local(self, module: nn.Module) -> AbstractContextManager[None]:
        """Inside this context, forward and backward passes do not sum gradients over processes.

        Both passes go inside: DDP decides in the forward pass what the backward pass will do.
        """
        if isinstance(module, DistributedDataParallel):
            return module.no_sync()
        if set_sync := getattr(module, "set_requires_gradient_sync", None):  # sharded by FSDP
            return _switched_off(set_sync)
        return nullcontext()


@contextmanager
def _switched_off(switch: Callable[[bool], None]) -> Iterator[None]:
    switch(False)
    try:
        yield
    finally:
        switch(True)


@contextmanager
def join(device_type: str, peer_timeout_s: float = 600.0) -> Iterator[World]:
    """Join the processes that the environment tells of (torchrun's variables, or our launcher's).

    Without them this is a world of one. On leaving, ranks wait for each other, unless there was an
    error: then the launcher is told, and a failure that only says that another process went away
    becomes a `LostPeerError`.

    Args:
        device_type: "cpu" or "cuda"; on cuda, the process's device becomes its local rank.
        peer_timeout_s: Longest wait until all processes are there, and later for a machine that no
            longer answers. A process whose machine answers is waited for much longer, since it may
            be validating or saving; that it has died is noticed at once.

    Raises:
        DeviceError: The device cannot be trained on by this many processes.
        MtcliError: The environment is incomplete.
        MeetingError: The others did not come in time, or cannot be reached.
        LostPeerError: Another process ended early, or its machine no longer answers.
        Interrupted: The same, after a signal that this process was sent, too.
    """
    die_with_parent()
    place = place_from_environment()
    if place is not None:
        _take_device(device_type, place)
    if place is None or place.size == 1:
        yield World()
        return
    is_cuda = device_type == "cuda"
    try:
        _open_group(place, is_cuda=is_cuda, peer_timeout_s=peer_timeout_s)
        world = World(place.rank, place.size, place.local_rank)
        yield world
        world.barrier()
    except BaseException as error:
        lost_peer = _lost_peer(error, place, peer_timeout_s)
        # A lost peer is not reported: the launcher must find the one that failed first.
        if isinstance(error, Exception) and lost_peer is None:
            report_failure(error.exit_code if isinstance(error, MtcliError) else ExitCode.BUG)
        _leave(is_cuda=is_cuda, is_well=False)
        if lost_peer is not None:
            check_stop()  # all were asked to stop, and the other one left at once
            raise lost_peer from error
        raise
    _leave(is_cuda=is_cuda, is_well=True)


def _take_device(device_type: str, place: Place) -> None:
    if device_type == "cuda":
        num_devices = torch.cuda.device_count()
        if place.local_rank >= num_devices:
            raise DeviceError(
                f"process {place.local_rank + 1} of this machine has no CUDA device of its own:"
                f" torch finds {num_devices}",
                hint="start at most one process per device",
            )
        torch.cuda.set_device(place.local_rank)
    elif device_type != "cpu" and place.size > 1:
        raise DeviceError(
            f"several processes cannot train on `{device_type}`",
            hint="use `cpu` or `cuda`, or one process",
        )


def _open_group(place: Place, *, is_cuda: bool, peer_timeout_s: float) -> None:
    """Find the other processes, and open the connections to them.

    Raises:
        MeetingError: They did not come in time, or cannot be reached.
    """
    if place.is_one_machine and sys.platform in LOOPBACK:
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(name, LOOPBACK[sys.platform])
    store = meet(place, peer_timeout_s)
    try:
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if is_cuda else "gloo",
            store=store,
            rank=place.rank,
            world_size=place.size,
            timeout=timedelta(seconds=peer_timeout_s),
        )
    except RuntimeError as error:
        if any(text in str(error) for text in _LOST_PEER_TEXTS):
            raise
        raise MeetingError(
            f"rank {place.rank} of {place.size} cannot connect to the other processes:"
            f" {str(error).splitlines()[0]}",
            hint="set `GLOO_SOCKET_IFNAME` to the network interface between the machines",
        ) from error
    # Only for what gloo does: nobody waits for another process's work in NCCL.
    assert dist.group.WORLD is not None
    gloo = dist.group.WORLD._get_backend(torch.device("cpu"))
    gloo._set_default_timeout(timedelta(seconds=_LONGEST_WORK_S))
    if not place.is_one_machine:
        limit_silence(peer_timeout_s)


def is_lost_peer(error: BaseException) -> bool:
    """Whether the error only says that another process has gone away."""
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _LOST_PEER_TEXTS)


def _lost_peer(error: BaseException, place: Place, peer_timeout_s: float) -> LostPeerError | None:
    """What to say if the error is that another process is gone; None if it is something else."""
    text = str(error) if isinstance(error, RuntimeError) else ""
    subject = f"rank {place.rank} of {place.size} cannot continue, because another"
    if is_lost_peer(error):
        return LostPeerError(
            f"{subject} process of this run ended; see the message of that process"
        )
    if "Timed out waiting" in text:
        return LostPeerError(
            f"{subject} process of this run has not answered for {_LONGEST_WORK_S:g} s"
        )
    if any(known in text for known in _SILENT_PEER_TEXTS):
        return LostPeerError(
            f"{subject} machine of this run has not answered for {peer_timeout_s:g} s",
            hint="check that machine and the network, then run the same command again to resume",
        )
    return None


def _leave(*, is_cuda: bool, is_well: bool) -> None:
    # NCCL closes its group together: after an error, with the others inside a collective, that
    # hangs (pytorch/torchtitan#1342). The process is about to end, and the group with it.
    if dist.is_initialized() and (is_well or not is_cuda):
        dist.destroy_process_group()
