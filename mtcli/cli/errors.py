"""How a command ends that goes wrong: one sentence for the user, a traceback for a bug."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mtcli.errors import ExitCode, MtcliError
from mtcli.system.processes import catching, leave

INTERRUPTED = 128 + 2
"""What a shell reports of a program that SIGINT ended."""

READER_GONE = 128 + 13
"""What a shell reports of a program that SIGPIPE ended."""

_OUTPUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""What the system says where a file cannot take more."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Print an MtcliError as one message and exit with its code; a bug keeps its traceback.

    So does standard output that cannot take more, and memory that cannot be had. Ctrl-C and a
    reader that has gone (`mtcli translate | head`) end the program without a word. May be nested.

    Raises:
        SystemExit: with the error's exit code, 130 after Ctrl-C, 141 if the reader has gone.
    """
    try:
        yield
    except MtcliError as error:
        _say(str(error))
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
    except OSError as error:
        if error.errno not in _OUTPUT_FULL:
            raise
        _say(f"cannot write {error.filename or 'the output'}: {error.strerror}")
        _silence_stdout()
        raise SystemExit(int(ExitCode.USER_ERROR)) from None
    except MemoryError as error:
        _say(f"out of memory: {error or 'the machine has no more'}")
        raise SystemExit(int(ExitCode.USER_ERROR)) from None


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP unwind the program, so that it removes what it has made for a
    while; the exit code is the shell's, 128 + n.

    Ignored signals stay ignored. One of several training processes, which may hang in a message of
    another, still dies of a signal.

    Raises:
        SystemExit: a signal came.
    """

    def end(number: int) -> None:
        raise SystemExit(128 + number)

    own = [] if "RANK" in os.environ else [signal.SIGTERM, signal.SIGHUP]
    with catching([n for n in own if signal.getsignal(n) is signal.SIG_DFL], end):
        yield


def _say(sentence: str) -> None:
    print(f"{_red('error:')} {sentence}", file=sys.stderr)


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
        leave([sys.stdout.fileno()])
