"""The lines of a text file, read as bytes, so that nothing but a newline ends one."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from mtcli.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[str]:
    r"""The lines of a UTF-8 file, plain or gzip, without their ends.

    A line ends at "\n", or "\r\n", and nowhere else: a lone "\r", U+0085, U+2028 and the like are
    letters of it. Text after the last "\n" is a line; a byte-order mark at the start is dropped.

    Raises:
        DataError: the file is missing, unreadable, damaged gzip data or not UTF-8.
    """
    number = 0
    try:
        with path.open("rb") as plain, _decompressed(plain) as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = line.removeprefix(_BYTE_ORDER_MARK)
                    if not line:
                        return  # nothing but the mark
                if line.endswith(b"\n"):
                    line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
                yield line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {number}: not UTF-8, byte {error.start + 1} of the line is"
            f" 0x{error.object[error.start]:02x}"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip data after line {number} ({error})") from None
    except OSError as error:
        raise DataError(unreadable(path, error)) from None


def unreadable(path: Path, error: OSError) -> str:
    """The sentence for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        return f"{path}: there is no such file"
    return f"{path}: cannot be read ({error.strerror or error})"


def _decompressed(file: BufferedReader) -> IO[bytes]:
    """The file itself, or what it unpacks to; told by its first bytes, as names may mislead."""
    if file.peek(2).startswith(_GZIP_MAGIC):
        return cast(IO[bytes], gzip.open(file))
    return file
