"""Find where an interrupted output stopped, so that translation can resume there."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from mtcli.errors import DataError
from mtcli.folders import why_refused
from mtcli.system.packed_output import open_written

Layout = Literal["text", "n_best", "jsonl"]
"""What an output holds: a line for each line, n-best lists, or JSON objects."""

_PIECE_BYTES = 1 << 20
"""Bytes of a line that are read at once."""
_OTHER_OUTPUT = "give `--output` another name, or drop `--resume`"


class ResumePoint(NamedTuple):
    """Where to resume."""

    num_lines: int
    """Input lines that have an answer."""
    num_bytes: int
    """Bytes of these answers, unpacked; what follows is incomplete and must be cut off."""


def find_resume_point(path: Path, layout: Layout) -> ResumePoint:
    """Find how much of an output is complete; nothing if the file does not exist.

    A packed output counts as far as it can be unpacked. A line that does not end with LF is
    incomplete. The last n-best list is made again, because nothing in the file says whether it is
    complete.

    Raises:
        DataError: the file does not have that layout, or cannot be read.
    """
    if not path.exists():
        return ResumePoint(0, 0)
    try:
        with open_written(path) as output:
            if layout == "n_best":
                return _last_n_best_list(output, path)
            if layout == "text":
                return _complete_lines(output)
            return _complete_objects(output, path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {why_refused(path, error)}") from error


def skip_lines(source: BinaryIO, number: int, name: str) -> None:
    """Skip `number` lines of `source`.

    Raises:
        DataError: there are fewer lines.
    """
    num_skipped, is_inside = 0, False
    while num_skipped < number:
        piece = source.readline(_PIECE_BYTES)
        if not piece and not is_inside:
            raise DataError(
                f"{name} answers {number} lines, but the input has {num_skipped}",
                hint=_OTHER_OUTPUT,
            )
        is_inside = bool(piece) and not piece.endswith(b"\n")
        num_skipped += not is_inside


def _complete_lines(output: BinaryIO) -> ResumePoint:
    """Where the complete lines end; a line may be longer than the memory."""
    num_lines = num_bytes = num_begun = 0
    for piece in iter(partial(output.readline, _PIECE_BYTES), b""):
        num_begun += len(piece)
        if piece.endswith(b"\n"):
            num_lines, num_bytes, num_begun = num_lines + 1, num_bytes + num_begun, 0
    return ResumePoint(num_lines, num_bytes)


def _complete_objects(output: BinaryIO, path: Path) -> ResumePoint:
    """Where the complete objects end."""
    num_lines = num_bytes = 0
    last_line = b""
    for line in output:
        if not line.endswith(b"\n"):
            break
        num_lines, num_bytes, last_line = num_lines + 1, num_bytes + len(line), line
    if num_lines:
        _check_object(last_line, num_lines, path)
    return ResumePoint(num_lines, num_bytes)


def _check_object(line: bytes, number: int, path: Path) -> None:
    """Raise DataError unless the line has the number of its input line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or record.get("line") != number:
        raise DataError(
            f"{path}:{number} is not the JSON object of line {number}",
            hint=_OTHER_OUTPUT,
        )


def _last_n_best_list(output: BinaryIO, path: Path) -> ResumePoint:
    index, start, position = -1, 0, 0
    for number, line in enumerate(iter(output.readline, b""), 1):
        if not line.endswith(b"\n"):
            break
        entry_index = line.partition(b" ||| ")[0]
        if entry_index not in (b"%d" % index, b"%d" % (index + 1)):
            raise DataError(
                f"{path}:{number} is not an entry of the n-best list of line {index + 1}",
                hint=_OTHER_OUTPUT,
            )
        if entry_index != b"%d" % index:
            index, start = index + 1, position
        position += len(line)
    return ResumePoint(max(index, 0), start)
