"""Randomness without state: every draw is a function of its purpose.

Only raw bits of numpy's bit generators are used: they are the same in every release of numpy, which
permutations and the like are not (NEP 19). A resumed run must not depend on the release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import IntEnum

import numpy as np
import numpy.typing as npt

_KEYS_AT_ONCE = 4096


class Purpose(IntEnum):
    """Purposes of draws, so that no two of them share bits."""

    HOLDOUT = 1
    SHARD_ORDER = 2
    TIES = 3
    UPDATE_ORDER = 4
    SAMPLE_SRC = 5
    SAMPLE_TGT = 6
    SAMPLING_SHARE_SRC = 7
    SAMPLING_SHARE_TGT = 8
    WORD_DROPOUT_SRC = 9
    WORD_DROPOUT_TGT = 10
    NOISE_SRC = 11
    NOISE_TGT = 12
    CHUNK_SIZES = 13


def random_keys(size: int, seed: int, purpose: Purpose, *numbers: int) -> npt.NDArray[np.uint64]:
    """`size` random 64-bit keys; sorting by them is a random permutation.

    Args:
        size: how many.
        seed: the run's seed, from 0.
        purpose: the purpose of the keys.
        numbers: more that the keys depend on, such as the epoch; from 0.
    """
    bits = np.random.Philox(np.random.SeedSequence([seed, int(purpose), *numbers]))
    return np.asarray(bits.random_raw(size), dtype=np.uint64)


def random_key_stream(seed: int, purpose: Purpose) -> Iterator[int]:
    """The keys of `random_keys` one after the other, where their number is not known; endless."""
    bits = np.random.Philox(np.random.SeedSequence([seed, int(purpose)]))
    while True:
        yield from np.asarray(bits.random_raw(_KEYS_AT_ONCE), dtype=np.uint64).tolist()


def sampling_seed(seed: int, purpose: Purpose, *, epoch: int, pair: int) -> int:
    """A 32-bit seed for one purpose, for one pair in one epoch."""
    text = f"{seed}/{int(purpose)}/{epoch}/{pair}"
    return int.from_bytes(hashlib.blake2b(text.encode("ascii"), digest_size=4).digest(), "little")


def uniform_draws(
    seeds: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each (seed, number), a function of these two alone.

    A generator for each sentence would cost 20 microseconds; this costs nanoseconds.

    Args:
        seeds: 32-bit seeds, for instance of `sampling_seed`; shape (N,).
        numbers: which draw of its seed each is, from 0; shape (N,).

    Source: SplitMix64 (Steele et al. 2014, figure 15), its state the seed and the number.
    """
    bits = (seeds.astype(np.uint64) << np.uint64(32)) + numbers.astype(np.uint64)
    bits *= np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
