"""The files and standard streams that a command reads and writes, and their errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import typer

from mtcli.errors import ConfigError, DataError, MtcliError
from mtcli.folders import why_refused
from mtcli.system.processes import discard_output

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_T = TypeVar("_T")

GIVE_OUTPUT = "give `--output FILE`"
PIPE_OUTPUT = "send it to a file or a pipe"
"""What to do where standard output is closed."""


def standard_input(advice: str) -> BinaryIO:
    """The text of standard input; it is unpacked if it is packed.

    Raises:
        DataError: the caller closed it, and then the hint is `advice`; or it is a file that is not
            text in UTF-8. A pipe is looked at when it is first read.
    """
    from mtcli.system.text_input import text_of

    if not sys.stdin:  # None if it is closed
        raise DataError("standard input is closed", hint=advice)
    return text_of(sys.stdin.buffer, "standard input")


def can_ask() -> bool:
    """Whether standard input is a terminal, and not closed."""
    return bool(sys.stdin and sys.stdin.isatty())


def standard_output(advice: str) -> BinaryIO:
    """Standard output for bytes.

    Raises:
        MtcliError: the caller closed it; the hint is `advice`.
    """
    if not sys.stdout:
        raise MtcliError("standard output is closed", hint=advice)
    return sys.stdout.buffer


def print_config(text: str) -> None:
    """Print a config, which must be UTF-8 or ASCII wherever it is written to."""
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    if encoding.lower().replace("-", "") != "utf8":
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    print(text, end="")


@contextmanager
def stream_errors(what: str) -> Iterator[None]:
    """Exit quietly on a closed pipe; turn errors of input and output into a sentence on `what`.

    Other errors of the system, such as those of an engine, pass: input and output have no part in
    them.
    """
    from mtcli.system.stream_errors import StreamError

    try:
        yield
    except BrokenPipeError:
        # `| head` has read enough; the interpreter must not flush into the broken pipe
        discard_output([sys.stdout.fileno()])
        raise typer.Exit(0) from None
    except StreamError as error:
        raise MtcliError(f"{what} failed: {error.strerror or error}") from error


def open_input(path: Path) -> BinaryIO:
    """The text of a file; it is unpacked if it is packed.

    Raises:
        DataError: it does not exist, cannot be read, or is not text in UTF-8.
    """
    from mtcli.data.lines import unreadable
    from mtcli.system.text_input import open_text

    try:
        return open_text(path)
    except OSError as error:
        raise DataError(unreadable(path, error)) from error


def only(values: Sequence[_T], option: str) -> _T:
    """The single value of an option that other commands let you repeat.

    Usually the last value of an option counts. Whoever repeats one of these wants all of its
    values, so mtcli must not drop any in silence.

    Raises:
        ConfigError: there are several values.
    """
    if len(values) > 1:
        given = " and ".join(f"`{value}`" for value in values)
        raise ConfigError(f"`{option}` takes one value here, found {given}")
    return values[0]


def input_or_standard(path: Path | None, advice: str) -> AbstractContextManager[BinaryIO]:
    """A file, or standard input if `path` is None; standard input stays open."""
    return nullcontext(standard_input(advice)) if path is None else open_input(path)


def check_output(path: Path | None, input_path: Path | None, *, resume: bool) -> None:
    """Raise MtcliError if the output cannot be written, before anything is overwritten."""
    if path is None:
        if resume:
            raise MtcliError(
                "`--resume` cannot resume standard output", hint="give `--output FILE`"
            )
        standard_output(GIVE_OUTPUT)
        return
    from mtcli.system.packed_output import packing_for

    packing_for(path)
    if path.is_dir():
        raise MtcliError(f"{path} cannot be written: it is a folder")
    if not path.parent.is_dir():
        raise MtcliError(f"{path} cannot be written: the folder {path.parent} does not exist")
    if resume and path.exists() and not path.is_file():
        raise MtcliError(f"`--resume` needs a regular file, and {path} is not one")
    if input_path is None or not (path.exists() and input_path.exists()):
        return
    if path.samefile(input_path):
        raise MtcliError(
            f"{path} is both the input and the output", hint="give the output another name"
        )


def output_or_standard(
    path: Path | None, num_kept_bytes: int | None
) -> AbstractContextManager[BinaryIO]:
    """A file, packed as its name says, or standard output if `path` is None.

    The first `num_kept_bytes` of the content of an existing file are kept; None keeps nothing.
    """
    from mtcli.system.packed_output import open_output

    if path is None:
        return nullcontext(standard_output(GIVE_OUTPUT))
    try:
        return _closing(open_output(path, num_kept_bytes))
    except OSError as error:
        raise MtcliError(f"{path} cannot be written: {why_refused(path, error)}") from error


@contextmanager
def _closing(sink: BinaryIO) -> Iterator[BinaryIO]:
    """Close `sink` at the end, which may write."""
    from mtcli.system.stream_errors import naming_streams

    try:
        yield sink
    finally:
        with naming_streams():
            sink.close()
