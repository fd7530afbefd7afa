"""Read the lines of a text file as bytes, so that only a line feed ends a line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from mtcli.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_UTF_16 = "in UTF-16, not UTF-8"
_NOT_READ = {
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"PK\x03\x04": "a zip file",
    **{b"BZh%d1AY&SY" % level: "a bzip2 file" for level in range(1, 10)},
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}
"""What a file is that begins with these bytes."""
_UNPACK = "unpack it, or compress it with gzip instead"
_CONVERT = "convert it with `iconv -f UTF-16 -t UTF-8`"
_LONGEST_MAGIC = max(map(len, _NOT_READ))
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_file_lines(path: Path) -> Iterator[str]:
    r"""Read the lines of a UTF-8 file, plain or gzip, without their endings.

    Only "\n" or "\r\n" ends a line: a lone "\r", U+0085, U+2028 and the like are part of its text.
    Text after the last "\n" is a line, too. A byte-order mark at the start is dropped.

    Raises:
        DataError: the file is missing, unreadable, damaged gzip data or not UTF-8.
    """
    number = 0
    try:
        with path.open("rb") as plain, decompressed(plain, path) as file:
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
            f"{path}, line {number}: byte {error.start + 1} is 0x{error.object[error.start]:02x},"
            " which is not UTF-8",
            hint="convert the file to UTF-8, for example with `iconv`",
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip data after line {number} ({error})") from None
    except OSError as error:
        raise DataError(unreadable(path, error)) from None


def unreadable(path: Path, error: OSError) -> str:
    """The error sentence for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist"
    return f"{path} cannot be read: {error.strerror or error}"


def decompressed(file: BufferedReader, path: Path) -> IO[bytes]:
    """The file itself, or its decompressed content; its first bytes decide, not its name.

    Raises:
        DataError: the file is of a kind that is not text.
    """
    start = file.peek(_LONGEST_MAGIC)
    if start.startswith(_GZIP_MAGIC):
        return cast(IO[bytes], _Unpacked(file))
    for magic, kind in _NOT_READ.items():
        if start.startswith(magic):
            raise DataError(f"{path} is {kind}", hint=_CONVERT if kind == _UTF_16 else _UNPACK)
    return file


class _Unpacked(gzip.GzipFile):
    """The content of a gzip file; closing it closes that file, too."""

    def __init__(self, packed: BufferedReader) -> None:
        super().__init__(fileobj=packed)
        self._packed = packed

    def close(self) -> None:
        """Close both."""
        super().close()
        self._packed.close()
