"""What packed data begins with, and the libraries that unpack it: gzip, bzip2, xz and zstd."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any, Literal, Protocol, cast

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

_MOST_TEXT = 1 << 20
"""Bytes that an unpacker gives at once, where its library can be told."""
_ZSTD_INPUT = 1 << 12
"""Bytes that zstd gets at once: its library cannot be told how much to give, and each of them may
become 32 KB."""
_MAX_ZSTD_WINDOW = 1 << 31
"""What `zstd --long=31` needs; by default the library refuses more than 128 MB."""


class DamagedDataError(Exception):
    """Packed data is not what its first bytes promise; the text says why."""


class Unpacker(Protocol):
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


def new_unpacker(packing: Packing, name: str) -> Unpacker:
    """What unpacks the next member.

    Raises:
        DataError: the library is missing; `name` is what the data is called.
    """
    match packing:
        case "gzip":
            return _Zlib()
        case "bzip2":
            return bz2.BZ2Decompressor()
        case "xz":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ)
        case "zstd":
            return _Zstd(name)


def unpack(unpacker: Unpacker, packed: bytes) -> bytes:
    """Some more of the content.

    Raises:
        DamagedDataError: the data is damaged.
    """
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
        zstandard = import_zstandard(name)
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


def import_zstandard(name: str) -> Any:
    """The library.

    Raises:
        DataError: it is missing; `name` is what needs it.
    """
    try:
        import zstandard
    except ImportError:
        raise DataError(
            f"{name} is a zstd file, and `zstandard` is not installed",
            hint="install it with `pip install 'zstandard>=0.23,<1'`, or unpack the file",
        ) from None
    return zstandard
