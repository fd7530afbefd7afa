"""Ids of several sentences of different lengths in one array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtcli.data.store import spans
from mtcli.tokenizer.protocol import PAD_ID

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RaggedIds:
    """Ids of some sentences, without BOS and EOS, sentence after sentence."""

    flat_ids: Ids
    """Shape (sum of lengths,)."""
    lengths: Ids
    """Shape (B,)."""

    def rows(self, rows: npt.NDArray[np.int64]) -> RaggedIds:
        """Some of the sentences, in the order of `rows`."""
        lengths = self.lengths[rows]
        starts = (np.cumsum(self.lengths) - self.lengths)[rows]
        return RaggedIds(self.flat_ids[spans(starts, lengths)], lengths)

    def joined(self, sizes: Ids, separator: int) -> RaggedIds:
        """Neighbours joined, `sizes` says how many at a time, with a separator between two."""
        # a separator after each sentence, then without those at the ends
        is_last = np.zeros(len(self.lengths), dtype=bool)
        is_last[np.cumsum(sizes) - 1] = True
        ends = np.cumsum(self.lengths)[~is_last]
        flat_ids = np.insert(self.flat_ids, ends, separator)
        lengths = np.add.reduceat(self.lengths, np.cumsum(sizes) - sizes) + sizes - 1
        return RaggedIds(flat_ids, lengths)

    def padded(self, first_column: int, width: int) -> Ids:
        """The sentences as rows that start in `first_column`, then PAD; shape (B, width)."""
        padded = np.full((len(self.lengths), width), PAD_ID, dtype=np.int64)
        columns = np.arange(width - first_column)
        padded[:, first_column:][columns < self.lengths[:, None]] = self.flat_ids
        return padded
