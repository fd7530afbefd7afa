"""Training time and CPU time over all invocations of a run."""

from __future__ import annotations

import resource
import time


def process_cpu_s() -> float:
    """User and system time of this process since it started, and of its children that ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Stopwatch:
    """Training time over all invocations of a run."""

    def __init__(self, before_s: float = 0.0) -> None:
        self._before_s = before_s
        self._started = time.monotonic()

    def elapsed_s(self) -> float:
        """Seconds since the run began, pauses between invocations not counted."""
        return self._before_s + time.monotonic() - self._started
