"""The plan: which pairs make up which update; it can be entered at any update.

The plan knows neither processes nor memory limits; `split` cuts one update for those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mtcli.data.randomness import Purpose, random_keys

PairIds = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.integer]

_MAX_LENGTH_BITS = 20


class Plan:
    """Updates of about equally many target tokens, of pairs of similar lengths, in random order.

    An epoch is a random permutation of the shards, taken in pools of `pool_shards`. The pairs of a
    pool are sorted by target and then source length (equal ones in random order) and cut into as
    few updates as the budget allows, all about equally full. The updates are put in random order.
    Everything is a function of (seed, epoch), so entering an epoch costs the planning of one pool.

    Args:
        shard_sizes: pairs of each shard of the store.
        src_lengths: pieces of every source, EOS not counted; shape (num_pairs,).
        tgt_lengths: pieces of every target, EOS not counted; shape (num_pairs,).
        tokens_per_update: largest number of target tokens of an update, EOS counted.
        seed: the run's seed.
        pool_shards: shards that are sorted together.

    Raises:
        ValueError: a target alone has more tokens than an update may have.
    """

    def __init__(
        self,
        shard_sizes: Sequence[int],
        src_lengths: Lengths,
        tgt_lengths: Lengths,
        *,
        tokens_per_update: int,
        seed: int,
        pool_shards: int = 4,
    ) -> None:
        longest = int(tgt_lengths.max()) + 1
        if longest > min(tokens_per_update, 2**_MAX_LENGTH_BITS - 1):
            raise ValueError(f"a target of {longest} tokens exceeds {tokens_per_update=}")
        self.seed = seed
        self.tokens_per_update = tokens_per_update
        self._src_lengths, self._tgt_lengths = src_lengths, tgt_lengths
        self._pool_shards = pool_shards
        stops = np.cumsum(shard_sizes).tolist()
        self._shards = [slice(start, stop) for start, stop in pairwise([0, *stops])]
        self._histograms = np.stack(
            [np.bincount(tgt_lengths[shard] + 1, minlength=longest + 1) for shard in self._shards]
        )
        """Counts of each target length, EOS counted, in each shard: enough to count updates."""

    def num_updates(self, epoch: int) -> int:
        """Number of updates of an epoch, counted from 0; epochs may differ by a few."""
        return sum(self._count(pool) for pool in self._pools(epoch))

    def updates(self, epoch: int, start: int = 0) -> Iterator[PairIds]:
        """The updates of an epoch from update `start` on, as pair ids sorted by length."""
        for index, pool in enumerate(self._pools(epoch)):
            num_updates = self._count(pool)
            if start < num_updates:
                yield from self._cut(pool, epoch, index)[start:]
            start = max(0, start - num_updates)

    def _pools(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """The shards of each pool."""
        keys = random_keys(len(self._shards), self.seed, Purpose.SHARD_ORDER, epoch)
        order = np.argsort(keys, kind="stable")
        size = self._pool_shards
        return [order[start : start + size] for start in range(0, len(order), size)]

    def _count(self, pool: npt.NDArray[np.int64]) -> int:
        return _count_parts(self._histograms[pool].sum(axis=0), self.tokens_per_update)

    def _cut(self, pool: npt.NDArray[np.int64], epoch: int, index: int) -> list[PairIds]:
        """All updates of a pool, in their order."""
        # 1. Sort the pool's pairs by length. Pairs of an update are then about equally long, which
        #    saves padding; random keys keep equal ones from meeting in every epoch.
        shards = [self._shards[shard] for shard in pool]
        pairs = np.concatenate([np.arange(shard.start, shard.stop) for shard in shards])
        src = np.concatenate([self._src_lengths[shard] for shard in shards])
        tgt = np.concatenate([self._tgt_lengths[shard] for shard in shards]) + 1
        keys = random_keys(len(pairs), self.seed, Purpose.TIES, epoch, index)
        order = _length_order(tgt, src, keys, is_reversed=bool(epoch % 2))
        pairs, tgt = pairs[order], tgt[order]

        # 2. Find the smallest capacity that needs no more updates than the budget does: it makes
        #    all of them equally full, where cutting at the budget would leave a small last one.
        #    The count comes from the histogram, so that `num_updates` agrees without sorting.
        histogram, num_updates = self._histograms[pool].sum(axis=0), self._count(pool)
        capacity = _smallest(
            lambda capacity: _count_parts(histogram, capacity) <= num_updates,
            int(tgt[-1]),
            self.tokens_per_update,
        )
        # 3. Cut from the left wherever the next pair would exceed the capacity.
        ends = np.cumsum(tgt, dtype=np.int64)
        stops = [0]
        while stops[-1] < len(pairs):
            done = int(ends[stops[-1] - 1]) if stops[-1] else 0
            stops.append(int(np.searchsorted(ends, done + capacity, side="right")))
        updates = [pairs[start:stop] for start, stop in pairwise(stops)]
        # 4. Shuffle the updates, so that training does not go from short sentences to long ones.
        keys = random_keys(len(updates), self.seed, Purpose.UPDATE_ORDER, epoch, index)
        return [updates[i] for i in np.argsort(keys, kind="stable")]


def split(
    pairs: PairIds,
    src_lengths: Lengths,
    tgt_lengths: Lengths,
    *,
    world_size: int,
    max_tokens: int,
) -> list[list[PairIds]]:
    """Cut an update into micro-batches, equally many and about equally large for each rank.

    Args:
        pairs: pair ids of the update, at least one, shape (N,).
        src_lengths: source tokens of these pairs, EOS counted, shape (N,).
        tgt_lengths: target tokens of these pairs, EOS counted, shape (N,).
        world_size: number of ranks.
        max_tokens: largest number of cells of a micro-batch: pairs times the longest side of any.

    Returns:
        `[rank][i]` are the pair ids of micro-batch i, sorted by the longer of their sides, rising.
        Every pair is in exactly one of them; micro-batches that are not needed are empty.

    Raises:
        ValueError: a single pair has more tokens than max_tokens.
    """
    # 1. Sort by the longer side, which decides the padded size.
    longest = np.maximum(src_lengths, tgt_lengths).astype(np.int64)
    order = np.lexsort((tgt_lengths, src_lengths, longest))
    longest = longest[order]
    if longest[-1] > max_tokens:
        raise ValueError(f"a pair of {longest[-1]} tokens exceeds {max_tokens=}")
    # 2. Every rank gets the same number: under FSDP, each pass of one waits for all others.
    num_each = -(-len(_cut_rows(longest, max_tokens)) // world_size)
    # 3. The smallest capacity that needs no more micro-batches makes them equally large.
    capacity = _smallest(
        lambda capacity: len(_cut_rows(longest, capacity)) <= num_each * world_size,
        int(longest[-1]),
        max_tokens,
    )
    stops = _cut_rows(longest, capacity)
    parts = [pairs[order[start:stop]] for start, stop in pairwise([0, *stops])]
    num_cells = [(stop - start) * int(longest[stop - 1]) for start, stop in pairwise([0, *stops])]
    # 4. Deal them so that no rank waits long for another.
    return _deal(parts, num_cells, num_each=num_each, world_size=world_size)


def _length_order(
    tgt_lengths: Lengths, src_lengths: Lengths, keys: npt.NDArray[np.uint64], *, is_reversed: bool
) -> npt.NDArray[np.int64]:
    """Indices that sort by target length, then source length, then key.

    Source lengths alternately rise and fall from one target length to the next, so that neighbours
    are similar in both and a batch of two target lengths needs little padding. Reversed, they fall
    where they otherwise rise, which groups pairs differently if few have equal lengths.
    """
    largest = 2**_MAX_LENGTH_BITS - 1
    src = np.minimum(src_lengths, largest)
    turning_src = np.where(tgt_lengths % 2 == is_reversed, src, largest - src).astype(np.uint64)
    lengths = tgt_lengths.astype(np.uint64) << np.uint64(_MAX_LENGTH_BITS) | turning_src
    key_bits = np.uint64(64 - 2 * _MAX_LENGTH_BITS)
    return np.argsort(lengths << key_bits | keys >> np.uint64(64) - key_bits, kind="stable")


def _count_parts(histogram: npt.NDArray[np.int64], capacity: int) -> int:
    """Number of parts that cutting sorted lengths from the left gives.

    Args:
        histogram: how often each length occurs.
        capacity: largest sum of the lengths of a part; at least the largest length.
    """
    num_parts, room = 0, 0
    for length in np.flatnonzero(histogram).tolist():
        num_left = int(histogram[length])
        num_here = min(num_left, room // length)
        room -= num_here * length
        num_left -= num_here
        if num_left:
            num_fitting = capacity // length
            num_new = -(-num_left // num_fitting)
            num_parts += num_new
            room = capacity - (num_left - (num_new - 1) * num_fitting) * length
    return num_parts


def _smallest(is_enough: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest number from `low` that is enough, if all numbers above it are, too."""
    while low < high:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _cut_rows(longest: npt.NDArray[np.int64], capacity: int) -> list[int]:
    """Where to cut sorted rows from the left, so that no part has more cells than the capacity."""
    stops, start = [], 0
    while start < len(longest):
        window = longest[start : start + capacity // int(longest[start])]
        num_cells = window * np.arange(1, len(window) + 1)
        start += int(np.searchsorted(num_cells, capacity, side="right"))
        stops.append(start)
    return stops


def _deal(
    parts: Sequence[PairIds], num_cells: Sequence[int], *, num_each: int, world_size: int
) -> list[list[PairIds]]:
    """Deal parts to ranks, largest first, each to the rank with the least; add empty ones."""
    shares: list[list[PairIds]] = [[] for _ in range(world_size)]
    totals = [0] * world_size
    for index in sorted(range(len(parts)), key=lambda index: -num_cells[index]):
        open_ranks = [rank for rank in range(world_size) if len(shares[rank]) < num_each]
        rank = min(open_ranks, key=lambda rank: totals[rank])
        shares[rank].append(parts[index])
        totals[rank] += num_cells[index]
    empty = np.empty(0, dtype=np.int64)
    return [share + [empty] * (num_each - len(share)) for share in shares]
