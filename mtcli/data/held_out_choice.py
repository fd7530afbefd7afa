"""Choose training pairs to validate on, and everything that must leave training with them."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import heappush, heapreplace, nsmallest

import numpy as np
import numpy.typing as npt

from mtcli.data.randomness import Purpose, random_key_stream
from mtcli.data.same_text import same_text
from mtcli.errors import DataError

Indices = npt.NDArray[np.int64]
Pair = tuple[str, str]

LARGEST = 1000
"""Most pairs that are held out."""
_SHARE = 0.02
_MOST_LEAVING = 0.1
"""Share of the pairs that may leave training; fewer are held out if more would have to."""
_MOST_PLACES = 1000
"""A text that occurs more often is not held out: its places are not kept in memory."""

_BOTH, _SRC, _TGT = (0, 1), (0,), (1,)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Training pairs that are kept for validation; none if there are validation sources."""

    indices: Indices
    """Numbers of the pairs that leave training, counted from 0, ascending: of those that are held
    out, and of all with the same source or the same target as one of them."""
    pairs: list[Pair]
    """Texts of those that are held out, as they are in the sources and in their order."""
    example: Pair | None = None
    """The first pair that leaves training without being held out; None if there is none."""
    sides: tuple[int, ...] = _BOTH
    """Sides (0 source, 1 target) whose texts leave training; one, if the other has so few different
    texts that too many pairs would have to leave."""

    @property
    def num_same(self) -> int:
        """Pairs that leave training without being held out."""
        return len(self.indices) - len(self.pairs)


@dataclass(frozen=True)
class _Candidate:
    index: int
    pair: Pair
    texts: Pair
    """Its sides as they are compared."""


def choose_held_out(read: Callable[[], Iterable[Pair]], seed: int) -> HeldOut:
    """Choose min(1000, 2 %) of the pairs, at least one: a function of its arguments alone.

    A hash of the seed and the texts chooses, so that a pair that is repeated is chosen once, and
    not more probably than another. Of twice as many as are wanted, those stay whose texts are the
    rarest: held out, a frequent one (`Yes.`) would be missing from training altogether.

    Args:
        read: returns the pairs from the start; called twice, or three times if there are pairs
            that leave training. A few megabytes are in memory.
        seed: the run's.

    Raises:
        DataError: nothing would be left to train on.
    """
    # 1. The candidates: different contents with the smallest hashes.
    candidates, num_pairs = _candidates(read(), seed)
    if num_pairs < 2:
        raise _too_few(num_pairs)
    size = min(LARGEST, max(1, int(_SHARE * num_pairs)))
    candidates = candidates[: 2 * size]
    # 2. Where their texts occur; then those of the rarest texts.
    places = _places(read(), candidates)
    most = max(1, int(_MOST_LEAVING * num_pairs))
    for sides in (_BOTH, _SRC, _TGT):
        rarest = _rarest(candidates, places, sides)[:size]
        chosen, leaving = _within(rarest, places, sides, most)
        if chosen:
            break
    else:
        # few texts, and all are frequent: the rarest pair alone
        sides = _BOTH
        chosen, leaving = _within(_rarest(candidates, places, _BOTH)[:1], places, _BOTH, num_pairs)
    if not chosen or len(leaving) == num_pairs:
        raise DataError(
            f"no sentence pair can be held out for validation: too few of the {num_pairs} pairs of"
            " the corpus have different sources and targets",
            hint="set `data.valid` to validation files",
        )
    held = sorted(chosen, key=lambda candidate: candidate.index)
    example = _first_of(read, leaving - {candidate.index for candidate in held})
    indices = np.array(sorted(leaving), dtype=np.int64)
    return HeldOut(indices, [candidate.pair for candidate in held], example, sides)


def choose_by_number(pairs: Iterable[Pair], seed: int) -> HeldOut:
    """The same as version 1 chose, for runs that began with it: pairs by number, not by content.

    Raises:
        DataError: as `choose_held_out`.
    """
    num_pairs = 0

    def keyed() -> Iterator[tuple[int, int, Pair]]:
        nonlocal num_pairs
        keys = random_key_stream(seed, Purpose.HOLDOUT)
        for index, (key, pair) in enumerate(zip(keys, pairs, strict=False)):
            num_pairs = index + 1
            yield key, index, pair

    # The number of pairs, and with it the share, is known only at the end.
    smallest = nsmallest(LARGEST, keyed())
    if num_pairs < 2:
        raise _too_few(num_pairs)
    chosen = smallest[: min(LARGEST, max(1, int(_SHARE * num_pairs)))]
    chosen.sort(key=lambda entry: entry[1])
    return HeldOut(
        np.array([index for _, index, _ in chosen], dtype=np.int64),
        [pair for _, _, pair in chosen],
    )


def content_key(texts: Pair, seed: int) -> int:
    """A random 64-bit key of a pair, given as it is compared."""
    content = f"{seed}\n{texts[0]}\n{texts[1]}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _candidates(pairs: Iterable[Pair], seed: int) -> tuple[list[_Candidate], int]:
    """Up to 2000 different contents with the smallest keys, smallest first; the number of pairs.

    Pairs with a blank side are counted, but cannot be validated on.
    """
    best: dict[int, _Candidate] = {}
    largest_first: list[int] = []  # a heap of the same keys, negated
    num_pairs = 0
    for index, pair in enumerate(pairs):
        num_pairs += 1
        texts = same_text(pair[0]), same_text(pair[1])
        key = content_key(texts, seed)
        is_full = len(best) == 2 * LARGEST
        if not (texts[0] and texts[1]) or key in best or (is_full and key > -largest_first[0]):
            continue
        best[key] = _Candidate(index, pair, texts)
        if is_full:
            del best[-heapreplace(largest_first, -key)]
        else:
            heappush(largest_first, -key)
    return [best[key] for key in sorted(best)], num_pairs


_Places = tuple[dict[str, "array[int]"], dict[str, "array[int]"]]
"""Where texts occur, by side and text."""


def _places(pairs: Iterable[Pair], candidates: list[_Candidate]) -> _Places:
    """Where each source and each target of the candidates occurs, up to a limit and one more."""
    places: _Places = (
        {candidate.texts[0]: array("q") for candidate in candidates},
        {candidate.texts[1]: array("q") for candidate in candidates},
    )
    for index, pair in enumerate(pairs):
        for side in _BOTH:
            found = places[side].get(same_text(pair[side]))
            if found is not None and len(found) <= _MOST_PLACES:
                found.append(index)
    return places


def _rarest(
    candidates: list[_Candidate], places: _Places, sides: tuple[int, ...]
) -> list[_Candidate]:
    """The candidates whose places are all known, those of the rarest texts first."""

    def most_places(candidate: _Candidate) -> int:
        return max(len(places[side][candidate.texts[side]]) for side in sides)

    known = [candidate for candidate in candidates if most_places(candidate) <= _MOST_PLACES]
    return sorted(known, key=most_places)  # equals stay in the order of their keys


def _within(
    candidates: list[_Candidate], places: _Places, sides: tuple[int, ...], most: int
) -> tuple[list[_Candidate], set[int]]:
    """The first candidates, with which at most `most` pairs leave training, and these pairs."""
    chosen: list[_Candidate] = []
    leaving: set[int] = set()
    for candidate in candidates:
        new = {place for side in sides for place in places[side][candidate.texts[side]]} - leaving
        if len(leaving) + len(new) > most:
            break
        chosen.append(candidate)
        leaving |= new
    return chosen, leaving


def _first_of(read: Callable[[], Iterable[Pair]], indices: set[int]) -> Pair | None:
    if not indices:
        return None
    first = min(indices)
    return next(pair for index, pair in enumerate(read()) if index == first)


def _too_few(num_pairs: int) -> DataError:
    return DataError(
        f"the corpus has {num_pairs} sentence pair{'s' * (num_pairs != 1)}, too few to hold one out"
        " for validation",
        hint="set `data.valid` to validation files, or train on more pairs",
    )
