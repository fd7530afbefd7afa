"""Read the lines of a text file as bytes, so that only a line feed ends a line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mtcli.errors import DataError
from mtcli.folders import why_refused
from mtcli.system.raw_lines import MAX_LINE_BYTES, raw_lines, too_long
from mtcli.system.text_input import open_text

_BYTE_ORDER_MARK = "\ufeff"
_UTF_8 = "utf-8"


def read_file_lines(
    path: Path, encoding: str = _UTF_8, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[str]:
    r"""Read the lines of a file without their endings; it is unpacked if it is packed.

    Only "\n" or "\r\n" ends a line: a lone "\r", U+0085, U+2028 and the like are part of its text.
    Text after the last "\n" is a line, too. A byte-order mark at the start is dropped.

    Args:
        path: the file.
        encoding: a name that Python knows.
        max_line_bytes: most bytes of a line; characters, of encodings with two bytes or more.

    Raises:
        DataError: the file is missing, unreadable, damaged, not in the encoding, or not text; a
            line is longer.
    """
    try:
        with open_text(path, encoding) as file:
            yield from lines_of(file, str(path), encoding, max_line_bytes)
    except OSError as error:
        raise DataError(unreadable(path, error)) from None


def lines_of(
    file: BinaryIO, name: str, encoding: str = _UTF_8, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[str]:
    """Read the lines of an open file or pipe, as `read_file_lines` does.

    Args:
        file: its text, unpacked.
        name: what it is called in errors.
        encoding: a name that Python knows.
        max_line_bytes: as of `read_file_lines`.

    Raises:
        DataError: it is damaged or not in the encoding; a line is longer.
        OSError: it cannot be read.
    """
    number = 0
    try:
        for number, line in enumerate(_decoded(file, name, encoding, max_line_bytes), 1):
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


def _decoded(file: BinaryIO, name: str, encoding: str, max_line_bytes: int) -> Iterator[str]:
    """The lines with their endings; line by line, so that an error is where the line is."""
    if "\n".encode(encoding) == b"\n":
        for raw in raw_lines(file, name, max_line_bytes):
            yield raw.decode(encoding)
    else:  # a line feed is two bytes or more, or another byte
        with io.TextIOWrapper(file, encoding, newline="\n") as text:
            read = partial(text.readline, max_line_bytes + 1)
            for number, line in enumerate(iter(read, ""), start=1):
                if len(line) > max_line_bytes and not line.endswith("\n"):
                    raise too_long(name, number, max_line_bytes, "characters")
                yield line


def _faulty_byte(error: UnicodeError) -> str:
    if isinstance(error, UnicodeDecodeError) and b"\n" not in error.object[:-1]:
        return f": byte {error.start + 1} is 0x{error.object[error.start]:02x}, which is"
    return " or later:"


def unreadable(path: Path, error: OSError) -> str:
    """The error sentence for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist"
    return f"{path} cannot be read: {why_refused(path, error)}"
