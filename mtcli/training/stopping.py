"""When to stop early: a signal, or the end of this invocation's time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mtcli.distributed.worker import leave_terminals, terminals

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)


class StopRequest:
    """Whether somebody has asked the run to save and exit."""

    def __init__(self, budget_s: float | None = None) -> None:
        self._started = time.monotonic()
        self.budget_s = budget_s
        self.signal_name: str | None = None

    @property
    def spent_s(self) -> float:
        """Time since this invocation began."""
        return time.monotonic() - self._started

    def remaining_s(self) -> float | None:
        """Time left of the budget; None without one."""
        return None if self.budget_s is None else self.budget_s - self.spent_s

    def reason(self, reserve_s: float = 0.0) -> str | None:
        """Why to stop now, keeping `reserve_s` of the budget for saving; None to go on."""
        if self.signal_name is not None:
            return f"signal {self.signal_name}"
        remaining = self.remaining_s()
        if remaining is not None and remaining <= reserve_s:
            return "the time budget is used up"
        return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, the first signal is a request; a second Ctrl-C leaves at once.

        SIGHUP, which a terminal sends when it is closed, stays ignored under nohup.
        """
        shown_on = terminals()

        def listen(number: int, _frame: FrameType | None) -> None:
            if number == signal.SIGHUP:
                leave_terminals(shown_on)
            if self.signal_name is not None and number == signal.SIGINT:
                os._exit(130)
            self.signal_name = signal.Signals(number).name

        old = {
            number: signal.signal(number, listen)
            for number in _SIGNALS
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
