"""Read pipes that may have no writer."""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress
from pathlib import Path

WRITER_S = 10.0
"""How long a pipe may have no writer."""


class NoWriterError(OSError):
    """A pipe that no process writes into."""


def read_at_most(path: Path, most: int) -> bytes:
    """Read the first bytes of a file or a pipe.

    A pipe that a process has opened for writing is waited for, however long that process takes; one
    without such a process, like a file that was replaced by a named pipe, for `WRITER_S` seconds.

    Args:
        path: the file.
        most: bytes to read at most; what the path names may have no end.

    Raises:
        NoWriterError: it is a pipe, and no process writes into it.
        OSError: it cannot be read.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        first, descriptor = b"", file.fileno()
        is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
        if is_pipe and not select.select([file], [], [], WRITER_S)[0]:
            with suppress(BlockingIOError):  # it has a writer, which takes longer
                first = os.read(descriptor, most)
                if not first:
                    raise NoWriterError(f"no process writes into the pipe {path}")
        os.set_blocking(descriptor, True)
        return first + file.read(most - len(first))


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
