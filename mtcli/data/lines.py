"""Read the lines of a text file as bytes, so that only a line feed ends a line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mtcli.errors import DataError
from mtcli.folders import why_refused
from mtcli.system.text_input import open_text

_BYTE_ORDER_MARK = "\ufeff"
_UTF_8 = "utf-8"


def read_file_lines(path: Path, encoding: str = _UTF_8) -> Iterator[str]:
    r"""Read the lines of a file without their endings; it is unpacked if it is packed.

    Only "\n" or "\r\n" ends a line: a lone "\r", U+0085, U+2028 and the like are part of its text.
    Text after the last "\n" is a line, too. A byte-order mark at the start is dropped.

    Args:
        path: the file.
        encoding: a name that Python knows.

    Raises:
        DataError: the file is missing, unreadable, damaged, not in the encoding, or not text.
    """
    try:
        with open_text(path, encoding) as file:
            yield from lines_of(file, str(path), encoding)
    except OSError as error:
        raise DataError(unreadable(path, error)) from None


def lines_of(file: BinaryIO, name: str, encoding: str = _UTF_8) -> Iterator[str]:
    """Read the lines of an open file or pipe, as `read_file_lines` does.

    Args:
        file: its text, unpacked.
        name: what it is called in errors.
        encoding: a name that Python knows.

    Raises:
        DataError: it is damaged or not in the encoding.
        OSError: it cannot be read.
    """
    number = 0
    try:
        for number, line in enumerate(_decoded(file, encoding), start=1):
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
                if not line:
                    return  # the file has only the mark
            if line.endswith("\n"):
                line = line[:-2] if line.endswith("\r\n") else line[:-1]
            yield line
    except UnicodeError as error:
        raise DataError(
            f"{name}, line {number + 1}{_faulty_byte(error)} not"
            f" {'UTF-8' if encoding == _UTF_8 else encoding}",
            hint="convert it to UTF-8, for example with `iconv`; training reads it with `encoding`,"
            " for example `encoding: windows-1252`",
        ) from None


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines with their endings; line by line, so that an error is where the line is."""
    if "\n".encode(encoding) == b"\n":
        for line in file:
            yield line.decode(encoding)
    else:  # a line feed is two bytes or more, or another byte
        with io.TextIOWrapper(file, encoding, newline="\n") as text:
            yield from text


def _faulty_byte(error: UnicodeError) -> str:
    if isinstance(error, UnicodeDecodeError) and b"\n" not in error.object[:-1]:
        return f": byte {error.start + 1} is 0x{error.object[error.start]:02x}, which is"
    return " or later:"


def unreadable(path: Path, error: OSError) -> str:
    """The error sentence for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist"
    return f"{path} cannot be read: {why_refused(path, error)}"
