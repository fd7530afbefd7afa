"""When to stop early: a signal, or the end of this invocation's time."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext

from mtcli.distributed.world import World, is_lost_peer
from mtcli.system.processes import handling_signals
from mtcli.system.stop_signals import (
    SECOND_INTERRUPT_S,
    STOP_SIGNALS,
    Interrupted,
    answer_stop,
    check_stop,
    interrupting,
)
from mtcli.training.outcome import Outcome

logger = logging.getLogger(__name__)


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
        """Within the context, the first signal is a request; a second Ctrl-C exits at once.

        Raises:
            Interrupted: a signal came before, and was not heard yet.
        """
        heard_at_s = 0.0

        def listen(number: int) -> None:
            nonlocal heard_at_s
            now_s = time.monotonic()
            if self.signal_name is None:
                self.signal_name, heard_at_s = signal.Signals(number).name, now_s
            elif number == signal.SIGINT and now_s - heard_at_s > SECOND_INTERRUPT_S:
                os._exit(128 + number)

        check_stop()
        with handling_signals(_own_signals(), listen):
            yield


def until_stopped(
    train: Callable[[ExitStack], Outcome], stop: StopRequest, world: World
) -> Outcome:
    """Train; a signal that comes before the first update is an outcome, too.

    Args:
        train: gets a stack for `StopRequest.listening`, which is closed when all is saved and said:
            a signal that comes after the last update must not spoil the end.
        stop: what has asked the run to stop.
        world: the processes that train together.

    Raises:
        Interrupted: in one of several processes: it must leave, because the others may be inside a
            message to it.
    """
    try:
        # one of several leaves it to its program what a signal does
        raising = interrupting(_own_signals()) if world.size == 1 else nullcontext()
        with raising, ExitStack() as listening:
            return train(listening)
    except Interrupted as interrupted:
        outcome = Outcome(False, f"signal {interrupted.signal_name} before the first update")
        if world.is_main:
            logger.info("%s; run the same command again to start", outcome.reason)
        if world.size > 1:
            raise
        answer_stop()
        return outcome
    except RuntimeError as error:
        # All were asked to stop: one that had made no update yet has left.
        if world.size == 1 or not is_lost_peer(error) or stop.signal_name is None:
            raise
        raise Interrupted(signal.Signals[stop.signal_name]) from error


def _own_signals() -> tuple[int, ...]:
    """The signals that ask for a stop; SIGHUP stays ignored under nohup.

    Python lets only the main thread listen: in another thread, signals are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        return ()
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(n for n in STOP_SIGNALS if not (is_ignored and n == signal.SIGHUP))
