"""Write files that are packed as their names say, and resume those that were cut off."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from mtcli.errors import DataError
from mtcli.system.packings import (
    LONGEST_MAGIC,
    DamagedDataError,
    Packing,
    Unpacked,
    UnpackedFile,
    import_zstandard,
    packing_of,
    unpacked,
)
from mtcli.system.written_alone import open_alone

_PACKINGS: dict[str, Packing] = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}

_MEMBER_BYTES = 1 << 20
"""Text after which a flush ends a member. Members are what a file that is cut off keeps for sure;
shorter ones would pack worse."""


def packing_for(path: Path) -> Packing | None:
    """How a file of this name is to be packed; None if it is not.

    Raises:
        DataError: the library for it is missing.
    """
    packing = _PACKINGS.get(path.suffix.lower())
    if packing == "zstd":
        import_zstandard(str(path), "give a file whose name ends with `.gz`")
    return packing


def open_output(path: Path, num_kept_bytes: int | None = None) -> BinaryIO:
    """Open a file for writing, packed if its name ends with `.gz`, `.bz2`, `.xz` or `.zst`.

    What is flushed can be unpacked, also if the program is killed: gzip and zstd at once, bzip2 and
    xz, which cannot be flushed, in portions of about 1 MB.

    Args:
        path: the file.
        num_kept_bytes: bytes to keep of the content of an existing file, which must have them; None
            keeps nothing.

    Raises:
        DataError: the library for it is missing.
        MtcliError: another mtcli is writing it.
        OSError: it cannot be written.
    """
    packing = packing_for(path)
    end, text = num_kept_bytes or 0, b""
    if packing and end and path.exists():
        end, text = _last_member_end(path, packing, end)
    file = open_alone(path, end)
    if not packing:
        return file
    sink = cast("BinaryIO", _PackedFile(file, packing))
    sink.write(text)
    return sink


def open_written(path: Path) -> BinaryIO:
    """Open an output of `open_output` for reading, as far as it can be unpacked.

    Raises:
        DataError: it is packed in another way than its name says.
        OSError: it cannot be read.
    """
    file = path.open("rb")
    packing = packing_for(path)
    if packing is None:
        return file
    start = file.peek(LONGEST_MAGIC)
    if packing_of(start) != packing and len(start) >= LONGEST_MAGIC:
        file.close()
        raise DataError(f"{path} is not a {packing} file", hint="give `--output` another name")
    texts = (some.text for some in _salvaged(file, packing, str(path)))
    return io.BufferedReader(UnpackedFile(file, texts))


def _last_member_end(path: Path, packing: Packing, num_kept_bytes: int) -> tuple[int, bytes]:
    """Where to cut a packed file off, and the text that is to follow.

    Returns:
        the end of the last member that is kept whole, and what is kept of the content behind it.
    """
    end, num_bytes = 0, 0
    texts: list[bytes] = []  # of the content behind `end`
    with path.open("rb") as file:
        for some in _salvaged(file, packing, str(path)):
            texts.append(some.text)
            num_bytes += len(some.text)
            if num_bytes > num_kept_bytes:
                texts[-1] = some.text[: len(some.text) - (num_bytes - num_kept_bytes)]
                break
            if some.member_end is not None:
                end, texts = some.member_end, []
    return end, b"".join(texts)


def _salvaged(file: io.BufferedReader, packing: Packing, name: str) -> Iterator[Unpacked]:
    """What can be unpacked."""
    with suppress(DamagedDataError):
        yield from unpacked(file, packing, name)


class _Packer(Protocol):
    """Packs one member."""

    def compress(self, data: bytes, /) -> bytes:
        """Some packed bytes, perhaps of what came before."""

    def flush(self) -> bytes:
        """The rest of the member."""


class _PackedFile(io.RawIOBase):
    """Packs what is written to it, in members of about 1 MB."""

    def __init__(self, file: BinaryIO, packing: Packing) -> None:
        self._file, self._packing = file, packing
        self._packer: _Packer | None = _new_packer(packing)  # so that no text is a member, too
        self._num_member_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Pack and write."""
        if self._packer is None:
            self._packer = _new_packer(self._packing)
        self._file.write(self._packer.compress(data))
        self._num_member_bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Write what can be unpacked without what is to come."""
        if self._file.closed:  # while this is being closed
            return
        if self._num_member_bytes >= _MEMBER_BYTES:
            self._end_member()
        elif self._packer is not None:
            self._file.write(_flushed(self._packer, self._packing))
        self._file.flush()

    def close(self) -> None:
        """Complete the file."""
        if self.closed:
            return
        try:
            self._end_member()
        finally:
            self._file.close()
            super().close()

    def _end_member(self) -> None:
        if self._packer is not None:
            packer, self._packer, self._num_member_bytes = self._packer, None, 0
            self._file.write(packer.flush())


def _new_packer(packing: Packing) -> _Packer:
    match packing:
        case "gzip":
            return zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
        case "bzip2":
            return bz2.BZ2Compressor()
        case "xz":
            return lzma.LZMACompressor(lzma.FORMAT_XZ)
        case "zstd":
            zstandard = import_zstandard("the output", "give a file whose name ends with `.gz`")
            return cast("_Packer", zstandard.ZstdCompressor(write_checksum=True).compressobj())


def _flushed(packer: _Packer, packing: Packing) -> bytes:
    """What makes all that was packed readable; nothing where the format cannot."""
    match packing:
        case "gzip":
            return cast("zlib._Compress", packer).flush(zlib.Z_SYNC_FLUSH)
        case "zstd":
            zstandard = import_zstandard("the output", "give a file whose name ends with `.gz`")
            frame = cast("Any", packer)
            return cast("bytes", frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        case "bzip2" | "xz":
            return b""
