"""Read input in windows, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mtcli.streaming.lines import Line


def read_windows(
    lines: Iterable[Line],
    *,
    max_lines: int,
    max_bytes: int,
    is_ready: Callable[[], bool] = lambda: True,
) -> Iterator[list[Line]]:
    """Consecutive lines, at most so many at once; a window is given out as soon as it is full.

    Args:
        lines: what is read.
        max_lines: most lines in a window; 1 answers each line before the next is read.
        max_bytes: a window takes no further line once it holds this many bytes, so that it holds
            at most that and one line.
        is_ready: whether the next line can be had without waiting. Before there is a wait, an
            empty window is given out, once for each window: time to do what else there is.
    """
    window: list[Line] = []
    num_bytes, has_told = 0, False
    source = iter(lines)
    while True:
        if not has_told and not is_ready():
            has_told = True
            yield []
        line = next(source, None)
        if line is None:
            break
        window.append(line)
        num_bytes += line.num_bytes
        if len(window) >= max_lines or num_bytes >= max_bytes:
            yield window
            window, num_bytes, has_told = [], 0, False
    if window:
        yield window
