"""Input is taken in windows, so that memory is bounded; a window is cut into batches by length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from mtcli.translating.lines import Line


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


def output_limit(num_src_pieces: int, max_length: int) -> int:
    """Longest output for a source: three times its pieces and 32 more, at most `max_length`.

    A model that repeats itself without end, as every young model does, is stopped early.
    """
    return min(max_length, 3 * num_src_pieces + 32)


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Batches of indices of sentences that are about as long.

    Args:
        lengths: pieces of each sentence.
        batch_size: most sentences of a batch.

    Yields:
        Indices into `lengths`, each exactly once over all batches; the longest sentences come
        first, so that what does not fit into memory fails at once.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
