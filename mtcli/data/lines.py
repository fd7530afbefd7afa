"""Read the lines of a text file as bytes, so that only a line feed ends a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mtcli.errors import DataError
from mtcli.folders import why_refused
from mtcli.system.text_input import open_text

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_file_lines(path: Path) -> Iterator[str]:
    r"""Read the lines of a UTF-8 file without their endings; it is unpacked if it is packed.

    Only "\n" or "\r\n" ends a line: a lone "\r", U+0085, U+2028 and the like are part of its text.
    Text after the last "\n" is a line, too. A byte-order mark at the start is dropped.

    Raises:
        DataError: the file is missing, unreadable, damaged, not UTF-8, or packed in a way that is
            not known.
    """
    try:
        with open_text(path) as file:
            yield from lines_of(file, str(path))
    except OSError as error:
        raise DataError(unreadable(path, error)) from None


def lines_of(file: BinaryIO, name: str) -> Iterator[str]:
    """Read the lines of an open file or pipe, as `read_file_lines` does.

    Args:
        file: its text, unpacked.
        name: what it is called in errors.

    Raises:
        DataError: it is damaged or not UTF-8.
        OSError: it cannot be read.
    """
    number = 0
    try:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
                if not line:
                    return  # the file has only the mark
            if line.endswith(b"\n"):
                line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
            yield line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}, line {number}: byte {error.start + 1} is 0x{error.object[error.start]:02x},"
            " which is not UTF-8",
            hint="convert the file to UTF-8, for example with `iconv`",
        ) from None


def unreadable(path: Path, error: OSError) -> str:
    """The error sentence for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist"
    return f"{path} cannot be read: {why_refused(path, error)}"
