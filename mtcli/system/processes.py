"""Tie a process to its parent, handle signals, and survive a closed terminal."""

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

_TORCHRUN = ("TORCHELASTIC_RUN_ID", "RANK")
"""Environment variables of the processes that torchrun starts."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_PARENT_POLL_S = 0.5


def die_with_parent() -> None:
    """Have this process killed when its launcher dies, however it dies.

    Signals that the launcher has held back for this process are let in: call it as soon as they
    have handlers. Until then a killed launcher leaves this process behind.

    Does nothing in a process that neither `mtcli` nor torchrun started.
    """
    # Removed, because a child of this process has another parent.
    parent = os.environ.pop(PARENT_PID, None)
    if parent is not None:
        die_with(int(parent))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    elif all(name in os.environ for name in _TORCHRUN):
        # torchrun does not say who it is. One that died before this line is not noticed here: then
        # its store is gone, and the others are waited for in vain.
        die_with(os.getppid())


def die_with(parent: int) -> None:
    """Have this process killed when its parent dies, however it dies.

    Args:
        parent: process id of the parent.
    """
    if not (sys.platform == "linux" and _kernel_kills_orphan()):
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before we could ask
        _kill_self()


@contextmanager
def holding_back(numbers: Iterable[int]) -> Iterator[None]:
    """A process that is started inside gets none of these signals until `die_with_parent`.

    They would end it while Python starts, before it can say what they mean.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def find_terminals() -> list[int]:
    """File descriptors of standard output and error, those that are terminals."""
    return [fd for fd in (1, 2) if os.isatty(fd)]


def discard_output(descriptors: list[int]) -> None:
    """Discard whatever is written to these file descriptors from now on.

    After SIGHUP, writing to the closed terminal would fail; without it the process can save, say
    so in its log, and end with its own exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in descriptors:
        if fd != nowhere:
            os.dup2(nowhere, fd)
    if nowhere not in descriptors:
        os.close(nowhere)


@contextmanager
def handling_signals(numbers: Iterable[int], handler: Callable[[int], None]) -> Iterator[None]:
    """Inside, `handler` gets the number of each of these signals.

    On SIGHUP, output to the closed terminal is discarded first.
    """
    terminals = find_terminals()

    def catch(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            discard_output(terminals)
        handler(number)

    previous = {number: signal.signal(number, catch) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def _kernel_kills_orphan() -> bool:
    """Ask Linux for SIGKILL at the parent's death; False if a sandbox forbids that."""
    import ctypes  # here, because it takes 2 ms and `mtcli --help` does not need it

    prctl = ctypes.CDLL(None).prctl
    return bool(prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    _kill_self()


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
