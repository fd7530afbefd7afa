"""Unpack gzip, bzip2, xz and zstd: what they begin with, and the libraries that know them."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal, NamedTuple, Protocol, cast

from mtcli.errors import DataError

Packing = Literal["gzip", "bzip2", "xz", "zstd"]

_SIZES_OF_BZIP2 = [b"BZh%d" % level for level in range(1, 10)]
_MAGIC: dict[bytes, Packing] = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    # what `pzstd` puts before its first frame
    **{bytes([0x50 + number]) + b"\x2a\x4d\x18": "zstd" for number in range(16)},
    **{size + b"1AY&SY": "bzip2" for size in _SIZES_OF_BZIP2},
    **{size + b"\x17rE8P\x90": "bzip2" for size in _SIZES_OF_BZIP2},  # nothing, packed
}
LONGEST_MAGIC = max(map(len, _MAGIC))
"""Bytes that suffice to recognise packed data."""

_PACKED_BYTES = 1 << 16
"""Packed bytes that are read at once."""
_MOST_TEXT = 1 << 20
"""Bytes that an unpacker gives at once, where its library can be told."""
_ZSTD_INPUT = 1 << 10
"""Bytes that zstd gets at once: its library cannot be told how much to give, and each of them may
become 32 KB."""
_MAX_ZSTD_WINDOW = 1 << 31
"""What `zstd --long=31` needs; by default the library refuses more than 128 MB."""


class DamagedDataError(Exception):
    """Packed data is not what its first bytes promise; the text says why."""


class Unpacked(NamedTuple):
    """Some of the content of packed data."""

    text: bytes
    member_end: int | None
    """Where a member ends behind the text, counted in packed bytes; None if none does."""


class _Unpacker(Protocol):
    """Unpacks one member: one of the archives that a packed file strings together."""

    @property
    def eof(self) -> bool:
        """Whether the member is complete."""

    @property
    def unused_data(self) -> bytes:
        """Bytes behind the complete member."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more packed bytes."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Some more of the content."""


def packing_of(start: bytes) -> Packing | None:
    """How data is packed that begins like this; None if it is not."""
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def unpacked(packed: io.BufferedReader, packing: Packing, name: str) -> Iterator[Unpacked]:
    """The content, member after member, as soon as it has arrived; zeros between are padding.

    Raises:
        DamagedDataError: the data is damaged or cut off.
        DataError: the library is missing; `name` is what the data is called.
    """
    end = 0  # packed bytes before `rest`
    rest = b""
    while rest or (rest := packed.read1(_PACKED_BYTES)):
        member = rest.lstrip(b"\0")
        end += len(rest)
        rest = b""
        if not member:
            continue
        unpacker = _new_unpacker(packing, name)
        yield Unpacked(_unpack(unpacker, member), None)
        while not unpacker.eof:
            more = b""
            if unpacker.needs_input:
                more = packed.read1(_PACKED_BYTES)
                if not more:
                    raise DamagedDataError("it is cut off")
                end += len(more)
            yield Unpacked(_unpack(unpacker, more), None)
        rest = unpacker.unused_data
        end -= len(rest)
        yield Unpacked(b"", end)


class UnpackedFile(io.RawIOBase):
    """A file of the content of a packed one, which is closed with it.

    Args:
        packed: the packed file.
        texts: its content.
    """

    def __init__(self, packed: BinaryIO, texts: Iterator[bytes]) -> None:
        self._packed, self._texts = packed, texts
        self._text = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Read some of the content; wait if none has arrived."""
        if not self._text:
            self._text = memoryview(next(filter(None, self._texts), b""))
        num_bytes = min(len(target), len(self._text))
        target[:num_bytes] = self._text[:num_bytes]
        self._text = self._text[num_bytes:]
        return num_bytes

    def fileno(self) -> int:
        """The descriptor of the packed file, which is always ready.

        Raises:
            UnsupportedOperation: it is a pipe, and packed bytes may be too few to unpack.
        """
        if not is_regular(self._packed):
            raise io.UnsupportedOperation("fileno")
        return self._packed.fileno()

    def close(self) -> None:
        """Close both."""
        if not self.closed:
            self._packed.close()
        super().close()


def is_regular(file: BinaryIO) -> bool:
    """Whether it is a regular file: all that is in it can be read without waiting."""
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:  # not a file of the system's
        return False


def _new_unpacker(packing: Packing, name: str) -> _Unpacker:
    match packing:
        case "gzip":
            return _Zlib()
        case "bzip2":
            return bz2.BZ2Decompressor()
        case "xz":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ)
        case "zstd":
            return _Zstd(name)


def _unpack(unpacker: _Unpacker, packed: bytes) -> bytes:
    try:
        return unpacker.decompress(packed, _MOST_TEXT)
    except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
        raise DamagedDataError(str(error)) from None


class _Zlib:
    """The unpacker of gzip; zlib checks length and checksum."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Some more of the content."""
        text = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        # zlib may hold some back without a tail
        self.needs_input = len(text) < max_length
        return text


class _Zstd:
    """The unpacker of zstd."""

    def __init__(self, name: str) -> None:
        zstandard = import_zstandard(name, "unpack the file")
        self._error: type[Exception] = zstandard.ZstdError
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
        self._frame = decompressor.decompressobj()
        self._waiting = b""

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        return cast("bytes", self._frame.unused_data) + self._waiting

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Some more of the content."""
        data = self._waiting + data
        self._waiting = data[_ZSTD_INPUT:]
        try:
            return cast("bytes", self._frame.decompress(data[:_ZSTD_INPUT]))
        except self._error as error:
            raise DamagedDataError(str(error)) from None


def import_zstandard(name: str, otherwise: str) -> Any:
    """The library.

    Raises:
        DataError: it is missing; `name` is what needs it, and `otherwise` what else can be done.
    """
    try:
        import zstandard
    except ImportError:
        raise DataError(
            f"{name} is a zstd file, and `zstandard` is not installed",
            hint=f"install it with `pip install 'zstandard>=0.23,<1'`, or {otherwise}",
        ) from None
    return zstandard
