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
_UNPACK = "{} file; unpack it, or compress it with gzip, which is read as it is"
_CONVERT = "UTF-16, not UTF-8; convert it with iconv -f UTF-16 -t UTF-8"
_NOT_READ = {
    b"\xfd7zXZ\x00": _UNPACK.format("an xz"),
    b"\x28\xb5\x2f\xfd": _UNPACK.format("a zstd"),
    b"PK\x03\x04": _UNPACK.format("a zip"),
    **{b"BZh%d1AY&SY" % level: _UNPACK.format("a bzip2") for level in range(1, 10)},
    b"\xff\xfe": _CONVERT,
    b"\xfe\xff": _CONVERT,
}
_LONGEST_MAGIC = max(map(len, _NOT_READ))
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_file_lines(path: Path) -> Iterator[str]:
    r"""The lines of a UTF-8 file, plain or gzip, without their ends.

    A line ends at "\n", or "\r\n", and nowhere else: a lone "\r", U+0085, U+2028 and the like are
    letters of it. Text after the last "\n" is a line; a byte-order mark at the start is dropped.

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


def decompressed(file: BufferedReader, path: Path) -> IO[bytes]:
    """The file itself, or what it unpacks to; told by its first bytes, as names may mislead.

    Raises:
        DataError: they are those of something that is read as text by mistake.
    """
    start = file.peek(_LONGEST_MAGIC)
    if start.startswith(_GZIP_MAGIC):
        return cast(IO[bytes], _Unpacked(file))
    for magic, found in _NOT_READ.items():
        if start.startswith(magic):
            raise DataError(f"{path}: {found}")
    return file


class _Unpacked(gzip.GzipFile):
    """What a gzip file holds; it closes that file with itself."""

    def __init__(self, packed: BufferedReader) -> None:
        super().__init__(fileobj=packed)
        self._packed = packed

    def close(self) -> None:
        """Close both."""
        super().close()
        self._packed.close()
