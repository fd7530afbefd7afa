"""The plan of a run on documents: updates of chunks, which each epoch cuts in another way."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtcli.config.schema.data import DocumentsConfig
from mtcli.data.plan import Lengths, PairIds, Plan
from mtcli.data.randomness import Purpose, random_keys
from mtcli.data.store import spans

ChunkIds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Epoch:
    """The chunks of one epoch."""

    number: int
    starts: npt.NDArray[np.int64]
    """The first pair of each chunk; a chunk ends where the next begins."""
    sizes: npt.NDArray[np.int64]
    """Pairs of each chunk."""
    plan: Plan
    """Its ids are those of chunks."""


class DocumentPlan:
    """Updates of about equally many target tokens, of chunks of documents.

    Each epoch cuts every document into other chunks of neighbouring pairs: from each pair on,
    between one and as many as the limits allow, drawn at random. So the model sees sentences alone
    and in company. All is a function of (seed, epoch). What `Plan` says of updates holds for
    chunks, whose lengths count the separators.

    Args:
        documents: the number of each pair's document, which never falls; shape (num_pairs,).
        src_lengths: pieces of every source, EOS not counted; shape (num_pairs,).
        tgt_lengths: pieces of every target, EOS not counted; shape (num_pairs,).
        config: the limits of a chunk. A pair that is longer than they allow is one of its own.
        tokens_per_update: largest number of target tokens of an update, EOS counted.
        seed: the run's seed.
    """

    def __init__(
        self,
        documents: npt.NDArray[np.int32],
        src_lengths: Lengths,
        tgt_lengths: Lengths,
        config: DocumentsConfig,
        *,
        tokens_per_update: int,
        seed: int,
    ) -> None:
        self.seed, self.tokens_per_update = seed, tokens_per_update
        self._config = config
        self.max_pieces = config.max_pieces
        # each pair with the separator after it
        self._src_ends = np.cumsum(src_lengths.astype(np.int64) + 1)
        self._tgt_ends = np.cumsum(tgt_lengths.astype(np.int64) + 1)
        changes = np.flatnonzero(np.diff(documents)) + 1
        self._document_starts = [0, *changes.tolist(), len(documents)]
        self._epoch: _Epoch | None = None

    def num_updates(self, epoch: int) -> int:
        """Number of updates of an epoch, counted from 0; epochs may differ by a few."""
        return self._in(epoch).plan.num_updates(epoch)

    def updates(self, epoch: int, start: int = 0) -> Iterator[ChunkIds]:
        """The updates of an epoch from update `start` on, as chunk ids sorted by length."""
        return self._in(epoch).plan.updates(epoch, start)

    def pairs_of(self, epoch: int, chunks: ChunkIds) -> tuple[PairIds, npt.NDArray[np.int64]]:
        """The pairs of some chunks of an epoch, chunk after chunk, and the pairs of each."""
        cut = self._in(epoch)
        sizes = cut.sizes[chunks]
        return spans(cut.starts[chunks], sizes), sizes

    def _in(self, epoch: int) -> _Epoch:
        if self._epoch is None or self._epoch.number != epoch:
            self._epoch = self._cut(epoch)
        return self._epoch

    def _cut(self, epoch: int) -> _Epoch:
        num_pairs = len(self._src_ends)
        keys = random_keys(num_pairs, self.seed, Purpose.CHUNK_SIZES, epoch)
        draws = ((keys >> np.uint64(11)).astype(np.float64) * 2.0**-53).tolist()
        src_ends, tgt_ends = self._src_ends.tolist(), self._tgt_ends.tolist()
        starts: list[int] = []
        for first, end in zip(self._document_starts, self._document_starts[1:], strict=False):
            place = first
            while place < end:
                most = self._most(place, end, src_ends, tgt_ends)
                starts.append(place)
                place += 1 + int(draws[place] * most)
        bounds = np.array([*starts, num_pairs])
        src, tgt = (_between(ends, bounds) - 1 for ends in (self._src_ends, self._tgt_ends))
        plan = Plan(
            [len(starts)], src, tgt, tokens_per_update=self.tokens_per_update, seed=self.seed
        )
        return _Epoch(epoch, bounds[:-1], np.diff(bounds), plan)

    def _most(self, place: int, end: int, src_ends: list[int], tgt_ends: list[int]) -> int:
        """Pairs from `place` on that fit into a chunk, at least one."""
        last = end
        for ends in (src_ends, tgt_ends):
            before = ends[place - 1] if place else 0
            # the last pair has no separator
            limit = before + self._config.max_pieces + 1
            last = min(last, bisect_right(ends, limit, place, end))
        most = max(1, last - place)
        return min(most, self._config.max_sentences or most)


def _between(ends: npt.NDArray[np.int64], bounds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sums between bounds, given running sums."""
    running = np.concatenate([[0], ends])
    return np.diff(running[bounds])
