"""Training time and CPU time over all invocations of a run."""

from __future__ import annotations

import resource
import time


class Clock:
    """Time that a run has taken, without the pauses between its invocations.

    Args:
        elapsed_s: training time of earlier invocations.
        cpu_s: CPU seconds of earlier invocations, over all processes.
    """

    def __init__(self, elapsed_s: float = 0.0, cpu_s: float = 0.0) -> None:
        self._elapsed_before_s, self.cpu_before_s = elapsed_s, cpu_s
        self.start()

    def start(self) -> None:
        """Count from now on: what came before in this invocation was no training."""
        self._started = time.monotonic()

    def elapsed_s(self) -> float:
        """Seconds of training since the run began."""
        return self._elapsed_before_s + time.monotonic() - self._started


def process_cpu_s() -> float:
    """User and system time of this process since it started, and of its children that ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
