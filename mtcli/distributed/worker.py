"""A process as one of several: its place among them, and its ties to the launcher. No torch."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from mtcli.errors import MtcliError

PARENT_PID = "MTCLI_PARENT_PID"
"""Environment variable: the launcher's process id."""
FAILURE_FD = "MTCLI_FAILURE_FD"
"""Environment variable: the file descriptor that `report_failure` writes to."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PARENT_POLL_S = 0.5


@dataclass(frozen=True)
class Place:
    """Which of the processes that train together this one is."""

    rank: int
    """0 to size - 1, over all machines."""
    size: int
    """Processes on all machines."""
    local_rank: int
    """Counted from 0 on this machine: the index of its GPU."""


def place_from_environment() -> Place | None:
    """This process's place, as torchrun and `mtcli.distributed.launch` set it; None if it is alone.

    Raises:
        MtcliError: RANK is set, but what belongs to it is missing or not a number in range.
    """
    if "RANK" not in os.environ:
        return None
    place = Place(_number("RANK"), _number("WORLD_SIZE"), _number("LOCAL_RANK"))
    if not 0 <= place.rank < place.size:
        raise MtcliError(
            f"RANK must be 0 to WORLD_SIZE - 1, found RANK={place.rank} and WORLD_SIZE={place.size}"
        )
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if place.size > 1 and name not in os.environ:
            raise _incomplete(name)
    return place


def rank_from_environment() -> int:
    """This process's rank; 0 if it is alone."""
    place = place_from_environment()
    return 0 if place is None else place.rank


def _number(name: str) -> int:
    value = os.environ.get(name)
    if value is None:
        raise _incomplete(name)
    if not (value.isascii() and value.isdigit()):
        raise MtcliError(f"the environment variable {name} must be a number, found {value!r}")
    return int(value)


def _incomplete(name: str) -> MtcliError:
    return MtcliError(
        f"the environment variable RANK says that this is one of several processes, but {name} is"
        " not set: start them with --nproc or torchrun, or unset RANK"
    )


def die_with_parent() -> None:
    """Make sure that this process is killed when its launcher dies, however it dies.

    Does nothing in a process that `mtcli.distributed.launch` did not start. Call it first of all:
    until then a killed launcher leaves this process behind.
    """
    # Taken out, because a child of this process has another parent.
    parent = os.environ.pop(PARENT_PID, None)
    if parent is not None:
        die_with(int(parent))


def die_with(parent: int) -> None:
    """Have this process killed when its parent, the process of that id, dies, however it dies."""
    if not (sys.platform == "linux" and _kernel_kills_orphan()):
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before we could ask
        _kill_self()


def terminals() -> list[int]:
    """Which of standard output and error are a terminal."""
    return [fd for fd in (1, 2) if os.isatty(fd)]


def leave(which: list[int]) -> None:
    """Send what is written to these descriptors from now on nowhere: a closed terminal fails
    writers.

    For handlers of SIGHUP, so that a process that is told of it can save, say so in its log, and
    end with its own exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in which:
        if fd != nowhere:
            os.dup2(nowhere, fd)
    if nowhere not in which:
        os.close(nowhere)


@contextmanager
def catching(numbers: Iterable[int], handler: Callable[[int], None]) -> Iterator[None]:
    """Inside, these signals go to `handler`; of SIGHUP after the closed terminal has been left."""
    shown_on = terminals()

    def catch(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            leave(shown_on)
        handler(number)

    previous = {number: signal.signal(number, catch) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def _kernel_kills_orphan() -> bool:
    """Ask Linux for SIGKILL at the parent's death; False where a sandbox forbids that."""
    import ctypes  # 2 ms, which `mtcli --help` need not take

    prctl = ctypes.CDLL(None).prctl
    return bool(prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    _kill_self()


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


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
    if place is None or place.size == 1:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
