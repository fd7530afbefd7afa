"""How a command ends that goes wrong: one sentence for the user, a traceback for a bug."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mtcli.errors import MtcliError

INTERRUPTED = 128 + 2
"""What a shell reports of a program that SIGINT ended."""

READER_GONE = 128 + 13
"""What a shell reports of a program that SIGPIPE ended."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Print an MtcliError as one message and exit with its code; a bug keeps its traceback.

    Ctrl-C and a reader that has gone (`mtcli translate | head`) end the program without a word.
    May be nested.

    Raises:
        SystemExit: with the error's exit code, 130 after Ctrl-C, 141 if the reader has gone.
    """
    try:
        yield
    except MtcliError as error:
        print(f"{_red('error:')} {error}", file=sys.stderr)
        raise SystemExit(int(error.exit_code)) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError as error:
        if not _reader_is_gone():
            # To a worker, perhaps: a bug. Typer takes every BrokenPipeError for a gone reader and
            # ends in silence, so that it must not see this one.
            raise RuntimeError("a pipe broke that is not standard output") from error
        _silence_stdout()
        raise SystemExit(READER_GONE) from None


def _red(text: str) -> str:
    """The text in red, if standard error is a terminal and NO_COLOR (no-color.org) is not set."""
    is_coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[31m{text}\033[0m" if is_coloured else text


def _reader_is_gone() -> bool:
    """Whether standard output is a pipe that nobody reads; True where that cannot be told."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
    except (AttributeError, OSError, ValueError):  # Windows has no poll, a test no descriptor
        return True
    return bool(poll.poll(0))


def _silence_stdout() -> None:
    """Let the interpreter's last flush succeed, or it would print "Exception ignored"."""
    with suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
