"""Open files and pipes of text: unpack packed ones, refuse other encodings than UTF-8 by name.

What is read is recognised by its first bytes, never by its name.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from mtcli.errors import DataError
from mtcli.system.packings import (
    LONGEST_MAGIC,
    DamagedDataError,
    Packing,
    UnpackedFile,
    is_regular,
    packing_of,
    unpacked,
)

_BUFFER_BYTES = 1 << 17

_ARCHIVES = {
    b"PK\x03\x04": "a zip file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"\x04\x22\x4d\x18": "an lz4 file",
}
_UNPACK = "unpack it, or pack it with gzip, xz, bzip2 or zstd instead"
_TAR, _TAR_OFFSET = b"ustar", 257
_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""Encodings by their byte-order mark, the longest first."""
_ENCODINGS_BY_ZEROS = {
    (False, True, False, True): "UTF-16LE",
    (True, False, True, False): "UTF-16BE",
    (False, True, True, True): "UTF-32LE",
    (True, True, True, False): "UTF-32BE",
}
"""Encodings without a mark, by which of the first four bytes are 0 in Latin text."""


def open_text(path: Path) -> BinaryIO:
    """Open a file of UTF-8 text for reading; its content if it is packed.

    Raises:
        DataError: it is not text in UTF-8, or needs a library that is missing. A pipe is looked at
            when it is first read, so that opening it does not wait for its writer's first bytes.
        OSError: it cannot be opened or read.
    """
    file = path.open("rb")
    try:
        return text_of(file, str(path))
    except BaseException:
        file.close()
        raise


def text_of(file: BinaryIO, name: str) -> BinaryIO:
    """The text of a file or pipe that is open; its content if it is packed.

    A line can be read as soon as it has arrived. A terminal is returned as it is.

    Args:
        file: what is read. The result owns it: closing one closes the other.
        name: what it is called in errors.

    Raises:
        DataError: as `open_text`.
        OSError: it cannot be read.
    """
    if file.isatty():
        return file
    if is_regular(file) and isinstance(file, io.BufferedReader):
        return _unpacked(file, name)
    return io.BufferedReader(_LateText(file, name), _BUFFER_BYTES)


def _unpacked(file: io.BufferedReader, name: str) -> io.BufferedReader:
    """The text of `file`, whose `peek` gives enough to recognise it."""
    while packing := _recognise(file.peek(_TAR_OFFSET + len(_TAR)), name):
        content = UnpackedFile(file, _texts(file, packing, name))
        file = io.BufferedReader(_Gathering(content), _BUFFER_BYTES)
    return file


def _texts(file: io.BufferedReader, packing: Packing, name: str) -> Iterator[bytes]:
    """The content of packed data.

    Raises:
        DataError: the data is damaged or cut off.
    """
    num_lines = 0
    try:
        for some in unpacked(file, packing, name):
            num_lines += some.text.count(b"\n")
            yield some.text
    except DamagedDataError as error:
        raise DataError(
            f"{name}: damaged {packing} data after line {num_lines} ({error})",
            hint="get the file again, or pack it again",
        ) from None


def refuse_encoding(start: bytes, name: str) -> None:
    """Raise DataError for text that begins like this if it is in UTF-16 or UTF-32."""
    encoding = next((e for mark, e in _ENCODINGS.items() if start.startswith(mark)), None)
    if encoding is None and len(start) >= 4:
        encoding = _ENCODINGS_BY_ZEROS.get((not start[0], not start[1], not start[2], not start[3]))
    if encoding:
        raise DataError(
            f"{name} is in {encoding}, not UTF-8",
            hint=f"convert it with `iconv -f {encoding} -t UTF-8`",
        )


def _recognise(start: bytes, name: str) -> Packing | None:
    """How data is packed that begins like this; None for plain text.

    Raises:
        DataError: it is neither text in UTF-8 nor packed text.
    """
    refuse_encoding(start, name)
    archive = next((a for magic, a in _ARCHIVES.items() if start.startswith(magic)), None)
    if start[_TAR_OFFSET:].startswith(_TAR):
        archive = "a tar archive"
    if archive:
        raise DataError(f"{name} is {archive}, not text", hint=_UNPACK)
    return packing_of(start)


def _read_arrived(file: io.BufferedReader, target: memoryview) -> int:
    """Read what has arrived into `target`; wait if nothing has."""
    # not `readinto1`, which waits for more where a large `target` has room behind what is buffered
    arrived = file.read1(len(target))
    target[: len(arrived)] = arrived
    return len(arrived)


class _Source(io.RawIOBase):
    """Bytes made from those of another file, which is closed with it."""

    def __init__(self, file: BinaryIO | io.RawIOBase) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        """The descriptor whose bytes are ready when ours are."""
        return self._file.fileno()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _LateText(_Source):
    """The text of a pipe, which is looked at when it is first read."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(file)
        self._name = name
        self._text: io.BufferedReader | None = None

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Read what has arrived; wait if nothing has."""
        if self._text is None:
            whole = _Gathering(_Arriving(cast("io.BufferedReader", self._file)))
            self._text = _unpacked(io.BufferedReader(whole, _BUFFER_BYTES), self._name)
        return _read_arrived(self._text, target)

    def fileno(self) -> int:
        """The descriptor whose bytes are ready when ours are, once that is known.

        Raises:
            UnsupportedOperation: it is not: nothing was read, or the text comes packed.
        """
        if self._text is None:
            raise io.UnsupportedOperation("fileno")
        return self._text.fileno()


class _Arriving(_Source):
    """The bytes of a pipe, as they arrive."""

    _file: io.BufferedReader

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Read what has arrived; wait if nothing has."""
        return _read_arrived(self._file, target)


class _Gathering(_Source):
    """The same bytes; the first read gives enough of them to recognise what they are.

    A line is never held back: its end suffices, too.
    """

    _file: io.RawIOBase
    _is_begun = False

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Read what has arrived; wait if nothing has."""
        num_bytes = num_more = self._file.readinto(target) or 0
        while not self._is_begun and num_more and num_bytes < len(target):
            start = target[:num_bytes].tobytes()
            if num_bytes >= LONGEST_MAGIC or b"\n" in start:
                break
            num_more = self._file.readinto(target[num_bytes:]) or 0
            num_bytes += num_more
        self._is_begun = True
        return num_bytes
