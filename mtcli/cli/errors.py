"""How a failed command ends: a sentence and a hint for the user, a traceback for a bug."""

from __future__ import annotations

import errno
import select
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from mtcli.cli.colour import CYAN, RED, coloured
from mtcli.cli.escapes import escaped
from mtcli.cli.usage import CallError, describe_call_error
from mtcli.errors import MtcliError
from mtcli.system.processes import discard_output

INTERRUPTED = 128 + 2
"""The exit code that a shell reports for a program killed by SIGINT."""

READER_GONE = 128 + 13
"""The exit code that a shell reports for a program killed by SIGPIPE."""

_OUTPUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""Errors of a write for which there is no room: no bug, and nothing to retry."""

_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)

_WRONG_PLACE = (errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ELOOP)
"""Errors of a path that is not what it must be: a read-only disk, a folder in a file's place."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Print what the user can fix and exit with its code; a bug keeps its traceback.

    Wrong calls, a full disk and a lack of memory count as the user's. Ctrl-C and a reader that
    stops early (`mtcli translate | head`) end the program in silence. May be nested.

    Raises:
        SystemExit: with the error's exit code, 130 after Ctrl-C, 141 if the reader is gone.
    """
    try:
        yield
    except MtcliError as error:
        _exit_with(error)
    except CallError as error:
        _exit_with(describe_call_error(error))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError as error:
        if not _reader_is_gone():
            # Perhaps a pipe to a worker: a bug. Typer ends in silence on every BrokenPipeError, so
            # it must not see this one.
            raise RuntimeError("a pipe other than standard output broke") from error
        _silence_stdout()
        raise SystemExit(READER_GONE) from None
    except PermissionError as error:
        if error.filename is None:
            raise
        from pathlib import Path  # here, and the next one, because `--help` needs neither

        from mtcli.folders import why_refused

        why = why_refused(Path(error.filename), error)
        _exit_with(MtcliError(f"cannot open {error.filename}: {why}"))
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            from mtcli.system.temporary import no_place

            if refusal := no_place(error):  # a library wanted a temporary file
                _exit_with(refusal)
        if error.errno in _TOO_MANY_FILES:
            what = f"cannot open {error.filename}" if error.filename else "cannot go on"
            _exit_with(MtcliError(f"{what}: {error.strerror}", hint="raise `ulimit -n`"))
        if error.errno in _WRONG_PLACE and error.filename:
            _exit_with(MtcliError(f"cannot open {error.filename}: {error.strerror}"))
        if error.errno not in _OUTPUT_FULL:
            raise
        _silence_stdout()
        _exit_with(MtcliError(f"cannot write {error.filename or 'the output'}: {error.strerror}"))
    except MemoryError as error:
        _exit_with(MtcliError(f"out of memory: {error or 'the machine has no more'}"))


def _exit_with(error: MtcliError) -> NoReturn:
    print(_wrapped(f"error: {error.sentence}", "error:", RED), file=sys.stderr)
    if error.hint:
        print(_wrapped(f"hint: {error.hint}", "hint:", CYAN), file=sys.stderr)
    raise SystemExit(int(error.exit_code)) from None


def _wrapped(text: str, label: str, colour: int) -> str:
    """The text with a coloured label; on a terminal, no word is broken at the end of a line."""
    text = escaped(text)
    if sys.stderr is not None and sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(_wrapped_line(line, width) for line in text.split("\n"))
    return coloured(label, colour, sys.stderr) + text.removeprefix(label)


def _wrapped_line(line: str, width: int) -> str:
    """The line in lines of that width, the later ones indented by two columns more."""
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def _reader_is_gone() -> bool:
    """Whether standard output is a pipe that nobody reads; True if the system cannot tell."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
    except (AttributeError, OSError, ValueError):  # no poll on Windows, no descriptor in tests
        return True
    return bool(poll.poll(0))


def _silence_stdout() -> None:
    """Let the interpreter's last flush succeed, or it would print "Exception ignored"."""
    with suppress(OSError, ValueError):
        discard_output([sys.stdout.fileno()])
