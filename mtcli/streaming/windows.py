"""Read input in windows, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mtcli.errors import DataError
from mtcli.streaming.lines import Line

_GROWTH = 4
"""How many times as many lines as the window before a window may have."""


def read_windows(
    lines: Iterable[Line],
    *,
    max_lines: int,
    max_bytes: int,
    first_lines: int | None = None,
    is_ready: Callable[[], bool] = lambda: True,
    ends_window: Callable[[Line], bool] | None = None,
) -> Iterator[list[Line]]:
    """Read consecutive lines in windows; each is returned as soon as it is full.

    Args:
        lines: what is read.
        max_lines: most lines of a window; 1 answers each line before the next is read.
        max_bytes: a window takes no further line once it holds this many bytes.
        first_lines: most lines of the first window; each further one may have four times as many,
            up to `max_lines`. None: all may have `max_lines`.
        is_ready: whether the next line can be read without waiting. Before it waits, an empty
            window is returned, once for each window, so that the caller can do other work.
        ends_window: whether a window may end after a line, such as the last of a document. One that
            is full waits for such a line, until it is four times as large. None: after any line.

    Raises:
        DataError: what reading raises, after the complete lines before it were returned.
    """
    window: list[Line] = []
    num_bytes, has_told = 0, False
    most_lines = max_lines if first_lines is None else min(first_lines, max_lines)
    source = iter(lines)
    try:
        while True:
            if not has_told and not is_ready():
                has_told = True
                yield []
            line = next(source, None)
            if line is None:
                break
            window.append(line)
            num_bytes += line.num_bytes
            is_full = len(window) >= most_lines or num_bytes >= max_bytes
            is_whole = ends_window is None or ends_window(line)
            is_over = len(window) >= _GROWTH * most_lines or num_bytes >= _GROWTH * max_bytes
            if (is_full and is_whole) or is_over:
                yield window
                most_lines = min(_GROWTH * most_lines, max_lines)
                window, num_bytes, has_told = [], 0, False
    except DataError:
        if window:
            yield window
        raise
    if window:
        yield window
