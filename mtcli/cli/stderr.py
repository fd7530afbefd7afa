"""A standard error that can always be written, even if it is closed, full or read by nobody."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from mtcli.system.processes import discard_output, find_terminals

STDERR_FD = 2


class LastingStream:
    """A stream whose writes never fail: after the first error it discards them.

    Training must not stop because `tee` has exited or the disk that takes its messages is full;
    train.log has the same messages. Nor must it stop because its terminal was closed: a disowned
    program, or one that ignores SIGHUP, is not told.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._shown_on = stream, find_terminals()

    def write(self, text: str) -> int:
        """Write the text, or discard it."""
        with self._leaving():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing."""
        with self._leaving():
            self._stream.flush()

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_terminal_gone = error.errno == errno.EIO
            discard_output(self._shown_on if is_terminal_gone else [self._stream.fileno()])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep_stderr() -> None:
    """Make standard error a stream that never fails, and open one if the caller closed it.

    Otherwise the next file that is opened would get its descriptor, and libraries would write
    their messages into it.
    """
    if sys.stderr is None:
        discard_output([STDERR_FD])
        sys.stderr = os.fdopen(STDERR_FD, "w", encoding="utf-8", closefd=False)
    if not isinstance(sys.stderr, LastingStream):
        sys.stderr = cast("TextIO", LastingStream(sys.stderr))
