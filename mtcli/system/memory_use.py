"""Memory of a process and its descendants, and of the machine. Mostly on Linux alone."""

from __future__ import annotations

import re
import resource
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_FIRST_S = 0.02
_PSS = re.compile(rb"^Pss: +(\d+) kB", re.MULTILINE)


def pss_bytes(pid: int) -> int | None:
    """Proportional set size of a process and its descendants: shared pages count once.

    None if the system does not provide it.
    """
    total = 0
    for member in _family(pid):
        with suppress(OSError):  # it may end in the meantime
            if match := _PSS.search(Path(f"/proc/{member}/smaps_rollup").read_bytes()):
                total += int(match[1]) * 1024
    return total or None


def _family(pid: int) -> list[int]:
    members = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_bytes().split():
                members += _family(int(child))
    return members


def available_bytes() -> int | None:
    """Memory that this process may still take: of the machine, or of its container if that is less.

    None if the system does not say.
    """
    sizes = []
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_bytes().splitlines():
            if line.startswith(b"MemAvailable:"):
                sizes.append(int(line.split()[1]) * 1024)
    # version 2 of control groups, then version 1
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # the limit may be the word `max`
            folder = Path("/sys/fs/cgroup")
            most = int((folder / limit).read_bytes())
            sizes.append(max(0, most - int((folder / used).read_bytes())))
    return min(sizes, default=None)


class PeakMemory:
    """Watches a process during a `with` block; afterwards `peak_bytes` is its peak memory.

    Args:
        pid: the process; its descendants count, too.
        every_s: longest time between two measurements; shorter peaks may be missed. At first they
            follow one another sooner, so that a process of half a second is measured, too.
    """

    def __init__(self, pid: int, every_s: float = 0.5) -> None:
        self.peak_bytes: int | None = None
        self._pid, self._every_s = pid, every_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        wait_s = min(_FIRST_S, self._every_s)
        while not self._is_over.wait(wait_s):
            now = pss_bytes(self._pid)
            if now is not None:
                self.peak_bytes = max(now, self.peak_bytes or 0)
            wait_s = min(2 * wait_s, self._every_s)


def peak_memory_bytes() -> int:
    """The most memory that this process has had.

    On Linux from its status: `ru_maxrss` of a process that another one started is at least what
    that one had.
    """
    with suppress(OSError):
        return status_bytes("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


def status_bytes(name: str) -> int:
    """A size in the status of this process.

    Args:
        name: such as `VmHWM`, the most memory so far.

    Raises:
        OSError: the system has no such status, or no such size in it.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")
