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
from mtcli.system.recognition import ENOUGH_BYTES, recognise

_BUFFER_BYTES = 1 << 17


def open_text(path: Path, encoding: str = "utf-8") -> BinaryIO:
    """Open a file of text for reading, as bytes; its content if it is packed.

    Args:
        path: the file.
        encoding: that of the text; one with two bytes or more for each character is read only
            where it is asked for.

    Raises:
        DataError: it is not text in that encoding, or needs a library that is missing. A pipe is
            looked at when it is first read, so that opening it does not wait for its writer.
        OSError: it cannot be opened or read.
    """
    file = path.open("rb")
    try:
        return text_of(file, str(path), encoding)
    except BaseException:
        file.close()
        raise


def open_unpacked(path: Path) -> BinaryIO:
    """Open a file for reading, whatever it holds; its content if it is packed.

    Raises:
        DataError: it needs a library that is missing.
        OSError: it cannot be opened or read.
    """
    file = path.open("rb")
    try:
        return _unpacked(file, str(path), None)
    except BaseException:
        file.close()
        raise


def text_of(file: BinaryIO, name: str, encoding: str = "utf-8") -> BinaryIO:
    """The text of a file or pipe that is open; its content if it is packed.

    A line can be read as soon as it has arrived. A terminal is returned as it is.

    Args:
        file: what is read. The result owns it: closing one closes the other.
        name: what it is called in errors.
        encoding: that of the text.

    Raises:
        DataError: as `open_text`.
        OSError: it cannot be read.
    """
    if file.isatty():
        return file
    if is_regular(file) and isinstance(file, io.BufferedReader):
        return _unpacked(file, name, encoding)
    return io.BufferedReader(_LateText(file, name), _BUFFER_BYTES)


def _unpacked(file: io.BufferedReader, name: str, encoding: str | None) -> io.BufferedReader:
    """The text of `file`, whose `peek` gives enough to recognise it; any content if None."""
    while packing := (
        recognise(file.peek(ENOUGH_BYTES), name, encoding)
        if encoding
        else packing_of(file.peek(LONGEST_MAGIC))
    ):
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
            self._text = _unpacked(io.BufferedReader(whole, _BUFFER_BYTES), self._name, "utf-8")
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
