"""Read lines of bytes of a bounded length: a line without end must not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from mtcli.errors import DataError

MAX_LINE_BYTES = 1_000_000
"""Longest line, without its ending, that is taken for one: a file without line feeds, or a packed
file that was made to harm, has longer ones. A line takes about 100 times its bytes to translate."""

_LONGEST_ENDING = 2


def raw_lines(file: BinaryIO, name: str, max_bytes: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """Read the lines of a file with their endings; the last one may have none.

    Args:
        file: its text, unpacked.
        name: what it is called in errors.
        max_bytes: most bytes of a line, its ending left out.

    Raises:
        DataError: a line is longer; no more than that is ever in memory.
    """
    read = partial(file.readline, max_bytes + _LONGEST_ENDING)
    for number, line in enumerate(iter(read, b""), start=1):
        if len(line) > max_bytes and len(line.rstrip(b"\r\n")) > max_bytes:
            raise too_long(name, number, max_bytes)
        yield line


def too_long(name: str, number: int, max_bytes: int, unit: str = "bytes") -> DataError:
    """The error for a line that is too long to be one."""
    return DataError(
        f"{name}, line {number} has more than {max_bytes:,} {unit}",
        hint="split it, or remove it; only a line feed ends a line",
    )
