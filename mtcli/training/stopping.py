"""When to stop early: a signal, or the end of this invocation's time."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mtcli.system.processes import handling_signals

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal came before there was anything to save."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal_name = signal.Signals(number).name


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the context, a signal that asks for a stop raises `Interrupted`.

    Raises:
        Interrupted: one came.
    """

    def interrupt(number: int) -> None:
        raise Interrupted(number)

    with handling_signals(_own_signals(), interrupt):
        yield


class StopRequest:
    """Whether somebody has asked the run to save and exit.

    Args:
        budget_s: seconds that this invocation may take; None has no limit.
        now: the clock that counts them; None: the time that passes.
    """

    def __init__(
        self, budget_s: float | None = None, now: Callable[[], float] | None = None
    ) -> None:
        self._now = now or time.monotonic
        self._started = self._now()
        self.budget_s = budget_s
        self.signal_name: str | None = None

    @property
    def spent_s(self) -> float:
        """Time since this invocation began, by the clock of the budget."""
        return self._now() - self._started

    def remaining_s(self) -> float | None:
        """Time left of the budget; None without one."""
        return None if self.budget_s is None else self.budget_s - self.spent_s

    def reason(self, reserve_s: float = 0.0) -> str | None:
        """Why to stop now, keeping `reserve_s` of the budget for saving; None to continue."""
        if self.signal_name is not None:
            return f"signal {self.signal_name}"
        remaining = self.remaining_s()
        if remaining is not None and remaining <= reserve_s:
            return "the time budget is used up"
        return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the context, the first signal is a request; a second Ctrl-C exits at once."""

        def listen(number: int) -> None:
            if self.signal_name is not None and number == signal.SIGINT:
                os._exit(130)
            self.signal_name = signal.Signals(number).name

        with handling_signals(_own_signals(), listen):
            yield


def _own_signals() -> list[signal.Signals]:
    """The signals that ask for a stop; SIGHUP stays ignored under nohup.

    Python lets only the main thread listen: in another thread, signals are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in _SIGNALS if not (is_ignored and number == signal.SIGHUP)]
