"""Tell errors of what a command reads and writes from those of everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class StreamError(OSError):
    """Input cannot be read, or output cannot be written."""


@contextmanager
def naming_streams() -> Iterator[None]:
    """An OSError inside becomes a StreamError, unless it says that the reader of a pipe is gone.

    Put it around single reads and writes: an engine has errors of the system, too, and whoever
    translates must not hear that standard output is to blame.

    Raises:
        StreamError: reading or writing fails.
    """
    try:
        yield
    except (BrokenPipeError, StreamError):
        raise
    except OSError as error:
        raise StreamError(error.errno, error.strerror or str(error)) from error
