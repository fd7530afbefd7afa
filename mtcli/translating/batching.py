"""Put sentences of about the same length into batches, and limit their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def output_limit(num_src_pieces: int, max_length: int) -> int:
    """Longest output for a source: three times its pieces and 32 more, at most `max_length`.

    This stops models early that repeat themselves without end, as all do early in training.
    """
    return min(max_length, 3 * num_src_pieces + 32)


def longest_first_batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Group the indices of sentences of about the same length, the longest first.

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
