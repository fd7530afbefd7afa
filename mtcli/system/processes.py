"""Processes and signals: ties to a parent process, closed terminals, handlers."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

PARENT_PID = "MTCLI_PARENT_PID"
"""Environment variable: the launcher's process id."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_PARENT_POLL_S = 0.5


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
