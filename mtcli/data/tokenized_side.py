"""One side of some tokenized pairs, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class TokenizedSide:
    """One side of some pairs."""

    ids: npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.int32]
    text: npt.NDArray[np.uint8]
    text_lengths: npt.NDArray[np.int32]

    def rows(self, start: int, stop: int) -> TokenizedSide:
        """The pairs start .. stop - 1."""
        ids_start, ids_stop = (int(self.lengths[:row].sum()) for row in (start, stop))
        text_start, text_stop = (int(self.text_lengths[:row].sum()) for row in (start, stop))
        return TokenizedSide(
            self.ids[ids_start:ids_stop],
            self.lengths[start:stop],
            self.text[text_start:text_stop],
            self.text_lengths[start:stop],
        )

    def arrays(self, side: str) -> dict[str, npt.NDArray[np.generic]]:
        """The arrays of this side in a shard, by name."""
        return {
            f"{side}_ids": self.ids,
            f"{side}_offsets": _offsets(self.lengths),
            f"{side}_text": self.text,
            f"{side}_text_offsets": _offsets(self.text_lengths),
        }


def _offsets(lengths: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def tokenized_side(
    all_ids: Sequence[Sequence[int]], texts: Sequence[str], kept: Sequence[int], vocab_size: int
) -> TokenizedSide:
    """One side of the rows `kept`; the texts are normalized."""
    dtype: type[np.uint16 | np.uint32] = np.uint16 if vocab_size <= 2**16 else np.uint32
    ids = [all_ids[row] for row in kept]
    encoded = [texts[row].encode("utf-8") for row in kept]
    lengths = np.array([len(row) for row in ids], dtype=np.int32)
    flat: npt.NDArray[Any] = np.fromiter(
        (i for row in ids for i in row), dtype=dtype, count=int(lengths.sum())
    )
    text_lengths = np.array([len(text) for text in encoded], dtype=np.int32)
    return TokenizedSide(
        flat, lengths, np.frombuffer(b"".join(encoded), dtype=np.uint8), text_lengths
    )


def regroup(
    chunks: Iterable[tuple[TokenizedSide, TokenizedSide]], size: int
) -> Iterator[tuple[TokenizedSide, TokenizedSide]]:
    """The same pairs in groups of `size`; the last group may have fewer, but none is empty."""
    waiting: list[tuple[TokenizedSide, TokenizedSide]] = []
    num_waiting = 0
    for src, tgt in chunks:
        start = 0
        while start < len(src.lengths):
            stop = min(len(src.lengths), start + size - num_waiting)
            waiting.append((src.rows(start, stop), tgt.rows(start, stop)))
            num_waiting += stop - start
            start = stop
            if num_waiting == size:
                yield _join(waiting)
                waiting, num_waiting = [], 0
    if waiting:
        yield _join(waiting)


def _join(
    parts: Sequence[tuple[TokenizedSide, TokenizedSide]],
) -> tuple[TokenizedSide, TokenizedSide]:
    src, tgt = (
        TokenizedSide(
            np.concatenate([part[side].ids for part in parts]),
            np.concatenate([part[side].lengths for part in parts]),
            np.concatenate([part[side].text for part in parts]),
            np.concatenate([part[side].text_lengths for part in parts]),
        )
        for side in (0, 1)
    )
    return src, tgt
