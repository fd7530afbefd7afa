"""The CPU cores that this process may use."""

from __future__ import annotations

import os


def num_cores() -> int:
    """Cores that this process may run on: fewer than the machine has inside many a container."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
