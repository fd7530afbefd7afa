"""Files and standard streams that a command reads and writes, and what can be wrong with them."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

import typer

from mtcli.errors import ConfigError, DataError, MtcliError
from mtcli.system.processes import leave

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_T = TypeVar("_T")

GIVE_OUTPUT = "give --output FILE"
PIPE_OUTPUT = "send it to a file or a pipe"


def standard_input(advice: str) -> BinaryIO:
    """The bytes of standard input.

    Raises:
        DataError: the caller closed it; `advice` says what to do instead.
    """
    if not sys.stdin:  # None where it is closed
        raise DataError(f"standard input is closed: {advice}")
    return sys.stdin.buffer


def standard_output(advice: str) -> BinaryIO:
    """Where bytes of standard output go.

    Raises:
        MtcliError: the caller closed it; `advice` says what to do instead.
    """
    if not sys.stdout:
        raise MtcliError(f"standard output is closed: {advice}")
    return sys.stdout.buffer


@contextmanager
def stream_errors(what: str) -> Iterator[None]:
    """A reader that has seen enough ends the program quietly; `what` failed is said of the rest."""
    try:
        yield
    except BrokenPipeError:
        # `| head` has seen enough; the interpreter must not flush into the void
        leave([sys.stdout.fileno()])
        raise typer.Exit(0) from None
    except (EOFError, zlib.error) as error:
        raise DataError(f"{what} failed: damaged gzip data ({error})") from error
    except OSError as error:
        raise MtcliError(f"{what} failed: {error.strerror or error}") from error


def open_input(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where it is a gzip file.

    Raises:
        DataError: it is not there, cannot be read, or is of another kind than text.
    """
    from mtcli.data.lines import decompressed, unreadable

    with ExitStack() as opened:  # which closes what cannot be used
        try:
            unpacked = decompressed(opened.enter_context(path.open("rb")), path)
        except OSError as error:
            raise DataError(unreadable(path, error)) from error
        opened.pop_all()
    return cast("BinaryIO", unpacked)


def only(values: Sequence[_T], option: str) -> _T:
    """The one value of an option that Typer gives as a list.

    Of an option that takes one value the shell's habit is that the last one counts; of these, one
    who gives several means all of them.

    Raises:
        ConfigError: there are several.
    """
    if len(values) > 1:
        given = " and ".join(map(str, values))
        raise ConfigError(f"{option} was given more than once ({given}); it takes one value here")
    return values[0]


def input_or_standard(path: Path | None, advice: str) -> AbstractContextManager[BinaryIO]:
    """A file, or where there is no path standard input, which stays open; errors as for those."""
    return nullcontext(standard_input(advice)) if path is None else open_input(path)


def check_output(path: Path | None, input_path: Path | None, *, resume: bool) -> None:
    """Raise MtcliError where the output cannot go, while nothing has been overwritten."""
    if path is None:
        if resume:
            raise MtcliError(
                "--resume needs --output FILE: what was printed cannot be gone on with"
            )
        standard_output(GIVE_OUTPUT)
        return
    if path.is_dir():
        raise MtcliError(f"{path}: cannot be written, it is a folder")
    if not path.parent.is_dir():
        raise MtcliError(f"{path}: cannot be written, there is no folder {path.parent}")
    if resume and path.exists() and not path.is_file():
        raise MtcliError(f"{path}: --resume needs a plain file")
    if input_path is None or not (path.exists() and input_path.exists()):
        return
    if path.samefile(input_path):
        raise MtcliError(f"{path} is input and output: give the output another name")


def output_or_standard(
    path: Path | None, num_kept_bytes: int | None
) -> AbstractContextManager[BinaryIO]:
    """Where to write; of a file that is there so many bytes are kept, none if that is None."""
    if path is None:
        return nullcontext(standard_output(GIVE_OUTPUT))
    try:
        if num_kept_bytes is None or not path.exists():
            return path.open("wb")
        file = path.open("r+b")
        file.truncate(num_kept_bytes)
        file.seek(num_kept_bytes)
        return file
    except OSError as error:
        raise MtcliError(f"{path}: cannot be written ({error.strerror})") from error
