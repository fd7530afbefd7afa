"""A process as one of several: its place among them, and its ties to the launcher. No torch."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import NoReturn

from mtcli.errors import MtcliError

FAILURE_FD = "MTCLI_FAILURE_FD"
"""Environment variable: the file descriptor that `report_failure` writes to."""
STORE_FD = "MTCLI_STORE_FD"
"""Environment variable of rank 0: the file descriptor of the socket that its store listens on."""

LOOPBACK = {"linux": "lo", "darwin": "lo0"}
"""By platform, the network interface that other machines cannot reach."""

_MAX_PORT = 2**16 - 1


@dataclass(frozen=True)
class Place:
    """Which of the processes that train together this one is."""

    rank: int
    """0 to size - 1, over all machines."""
    size: int
    """Processes on all machines."""
    local_rank: int
    """Counted from 0 on this machine: the index of its GPU."""
    local_size: int | None = None
    """Processes on this machine; None if the environment does not say."""

    @property
    def is_one_machine(self) -> bool:
        """Whether all processes are known to be on this machine."""
        return self.local_size == self.size


def place_from_environment() -> Place | None:
    """This process's place, as torchrun and `mtcli.distributed.launch` set it; None if it is alone.

    Raises:
        MtcliError: RANK is set, but what belongs to it is missing or not a number in range.
    """
    if "RANK" not in os.environ:
        return None
    local_size = _number("LOCAL_WORLD_SIZE") if "LOCAL_WORLD_SIZE" in os.environ else None
    place = Place(_number("RANK"), _number("WORLD_SIZE"), _number("LOCAL_RANK"), local_size)
    if not 0 <= place.rank < place.size:
        raise MtcliError(f"`RANK` must be below `WORLD_SIZE`, found {place.rank} and {place.size}")
    if place.size > 1:
        if not os.environ.get("MASTER_ADDR"):
            raise _incomplete("MASTER_ADDR")
        if not 0 < (port := _number("MASTER_PORT")) <= _MAX_PORT:
            raise MtcliError(
                f"the environment variable `MASTER_PORT` must be a port from 1 to {_MAX_PORT},"
                f" found `{port}`"
            )
    return place


def rank_from_environment() -> int:
    """This process's rank; 0 if it is alone."""
    place = place_from_environment()
    return 0 if place is None else place.rank


def is_restarted() -> bool:
    """Whether torchrun has started this process in place of one that failed."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def silence_torch() -> None:
    """Have torch print no stack of C++ frames while other processes are sought or have ended.

    What it warns of then ends in a sentence of ours, or is well. Call it before torch is imported;
    `TORCH_CPP_LOG_LEVEL`, where it is set, wins.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


def _number(name: str) -> int:
    value = os.environ.get(name)
    if value is None:
        raise _incomplete(name)
    if not (value.isascii() and value.isdigit()):
        raise MtcliError(f"the environment variable `{name}` must be a number, found `{value}`")
    return int(value)


def _incomplete(name: str) -> MtcliError:
    return MtcliError(
        f"the environment variable `RANK` is set, but `{name}` is not",
        hint="start several processes with `--nproc` or `torchrun`, or unset `RANK`",
    )


def report_failure(exit_code: int) -> None:
    """Tell the launcher that this process is about to end with `exit_code`.

    Said before the error unwinds, because closing a process group with a collective in flight may
    hang (NCCL more than gloo), and because the others fail as soon as their connection closes: so
    the launcher knows who was first. Does nothing in a process that it did not start.
    """
    descriptor = os.environ.pop(FAILURE_FD, None)
    if descriptor is not None:
        rank = rank_from_environment()
        os.write(int(descriptor), f"{rank} {exit_code}\n".encode())


def end_worker(exit_code: int) -> None:
    """End this process with `exit_code` if it is one of several; otherwise do nothing.

    Past the end of the program torch takes its process group apart while gloo's threads may still
    run, and now and then aborts a worker that has done everything (torch 2.13, 2026-11-23: once in
    some dozens of runs, "terminate called without an active exception"). So a worker whose files
    are closed leaves without that.
    """
    place = place_from_environment()
    if place is not None and place.size > 1:
        leave(exit_code)


def leave(exit_code: int) -> NoReturn:
    """End this process without waiting for what it has started; its files are closed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
