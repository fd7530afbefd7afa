"""Read and write lines of bytes."""

from __future__ import annotations

import io
import select
from collections import deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, cast

from mtcli.streaming.cutting import cut_parts
from mtcli.system.raw_lines import MAX_LINE_BYTES
from mtcli.system.stream_errors import naming_streams
from mtcli.translating.controls import without_controls

_CHUNK_BYTES = 1 << 18
"""More than any buffer of Python holds, so that one read empties it."""

_CARRIAGE_RETURN = 1
"""Bytes of it: it belongs to the ending of a line if LF comes next."""


class Line(NamedTuple):
    """One line of input."""

    text: str
    """What the model may see: valid Unicode without control characters; of a line with a prefix,
    what comes before it."""
    ending: bytes
    """LF, CR LF, or nothing if the last line lacks one."""
    blank: bytes | None
    """If the line is blank, its bytes without the ending, which are its answer."""
    is_valid: bool
    """False when bytes that are not UTF-8 were replaced by U+FFFD."""
    num_bytes: int
    """Bytes of the line, ending included."""
    is_continued: bool = False
    """Whether this is a part of a line that is too long, and further parts follow."""


def read_lines(source: BinaryIO, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Read the lines of `source`; only LF ends a line, and the last line may lack it.

    A line is returned as soon as it has arrived. Of one that is too long only the first part is
    returned, which says that it is continued; the others are skipped.
    """
    is_inside = False
    for line in LineReader(source, max_bytes):
        if not is_inside:
            yield line
        is_inside = line.is_continued


class LineReader:
    """Reads lines, and knows whether the next one has arrived.

    A line that is too long is cut into parts while it is read, so that memory stays bounded.

    No thread reads ahead: one that waits for input would keep the interpreter from exiting quietly
    on Ctrl-C or on a closed pipe.

    Args:
        source: a pipe, a file, or anything else that has `readline`; without a file descriptor,
            no line is known to have arrived before it is read.
        max_bytes: most bytes of a line that is read whole, its ending left out.
    """

    def __init__(self, source: BinaryIO, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._source, self._max_bytes = source, max_bytes
        self._comes_in_chunks = isinstance(source, io.BufferedReader)
        self._descriptor = _descriptor(source) if self._comes_in_chunks else None
        self._whole: deque[bytes] = deque()
        self._begun: list[bytes] = []
        self._num_begun = 0
        """Bytes of the line that has begun to arrive."""
        self._is_over = False

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        while not self._whole and not self._is_over:
            self._read_chunk()
        if not self._whole:
            raise StopIteration
        raw = self._whole.popleft()
        if not raw.endswith(b"\n") and (self._whole or not self._is_over):
            return parse_line(raw)._replace(is_continued=True)
        return parse_line(raw)

    def is_ready(self) -> bool:
        """Whether the next line, or the end, can be read without waiting."""
        while not self._whole and not self._is_over:
            if self._descriptor is None or not select.select([self._descriptor], [], [], 0)[0]:
                return False
            self._read_chunk()
        return True

    def _read_chunk(self) -> None:
        """Read what has arrived; wait if nothing has."""
        with naming_streams():
            if self._comes_in_chunks:
                chunk = cast("io.BufferedReader", self._source).read1(_CHUNK_BYTES)
            else:
                chunk = self._source.readline(_CHUNK_BYTES)
        if self._descriptor is None:  # a pipe knows when it is read whether it is packed
            self._descriptor = _descriptor(self._source)
        *ended, rest = chunk.split(b"\n")
        if ended:
            ended[0] = b"".join([*self._begun, ended[0]])
            self._begun, self._num_begun = [], 0
            if len(max(ended, key=len)) <= self._max_bytes:
                self._whole.extend(content + b"\n" for content in ended)
            else:
                for content in ended:
                    *parts, last = self._parts(content)
                    self._whole.extend(parts)
                    self._whole.append(last + b"\n")
        if rest:
            self._begun.append(rest)
            self._num_begun += len(rest)
            if self._num_begun > self._max_bytes + _CARRIAGE_RETURN:
                *parts, last = self._parts(b"".join(self._begun))
                self._whole.extend(parts)
                self._begun, self._num_begun = [last], len(last)
        if not chunk:
            self._is_over = True
            if self._begun:
                self._whole.extend(self._parts(b"".join(self._begun)))

    def _parts(self, content: bytes) -> Iterable[bytes]:
        """A line without its LF: whole, or in parts if it is too long."""
        if len(content) - content.endswith(b"\r") <= self._max_bytes:
            return [content]
        return cut_parts(content, self._max_bytes)


def _descriptor(source: BinaryIO) -> int | None:
    """What is ready when more of `source` can be read; None if nothing tells."""
    try:
        return source.fileno()
    except OSError:
        return None


def parse_line(raw: bytes) -> Line:
    """One line, given with its ending."""
    decoded, ending, is_valid = decode_line(raw)
    text = without_controls(decoded)
    blank = None if text.strip() else raw.removesuffix(ending)
    return Line(text, ending, blank, is_valid, len(raw))


def decode_line(raw: bytes) -> tuple[str, bytes, bool]:
    """A line's text with all its characters, its ending, and whether it was valid UTF-8."""
    if raw.endswith(b"\r\n"):
        content, ending = raw[:-2], b"\r\n"
    elif raw.endswith(b"\n"):
        content, ending = raw[:-1], b"\n"
    else:
        content, ending = raw, b""
    try:
        return content.decode("utf-8"), ending, True
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace"), ending, False


def encode_line(text: str, ending: bytes) -> bytes:
    """A line of output."""
    return without_controls(text).encode("utf-8", "replace") + ending
