"""Standard error that may be written whatever has become of it: closed, full, read by nobody."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from mtcli.system.processes import leave, terminals

STDERR_FD = 2


class LastingStream:
    """A stream that never fails: once it has, what is written goes nowhere.

    A training must not end because the `tee` behind it ended or the disk of its messages is full;
    train.log has them, too. Nor because its terminal was closed: SIGHUP, which says so, does not
    reach a program that was disowned or ignores it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._shown_on = stream, terminals()

    def write(self, text: str) -> int:
        """Write, or not."""
        with self._leaving():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or not."""
        with self._leaving():
            self._stream.flush()

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_terminal_gone = error.errno == errno.EIO
            leave(self._shown_on if is_terminal_gone else [self._stream.fileno()])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep_stderr() -> None:
    """Make standard error a stream that never fails, and have one where the caller closed it.

    Without one, the next file that is opened would be what libraries take for it.
    """
    if sys.stderr is None:
        leave([STDERR_FD])
        sys.stderr = os.fdopen(STDERR_FD, "w", encoding="utf-8", closefd=False)
    if not isinstance(sys.stderr, LastingStream):
        sys.stderr = cast("TextIO", LastingStream(sys.stderr))
