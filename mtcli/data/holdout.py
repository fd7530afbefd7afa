"""Validation pairs: those of the validation sources, or some of the training pairs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mtcli.config.schema.data import DataConfig
from mtcli.data.fingerprint import fingerprint
from mtcli.data.randomness import Purpose, random_key_stream
from mtcli.data.sources import read_pairs
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import read_json, write_json

Indices = npt.NDArray[np.int64]

_FORMAT_VERSION = 1
"""Of the cached file. Raise it if the same sources and seed would give other pairs."""
_LARGEST = 1000
_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Training pairs that are kept for validation; none if there are validation sources."""

    indices: Indices
    """Their numbers in the corpus, counted from 0, ascending."""
    pairs: list[tuple[str, str]]
    """Their texts as they are in the sources."""


def hold_out(config: DataConfig, seed: int, cache_dir: Path) -> HeldOut:
    """Choose the training pairs to validate on if the config names no validation sources.

    The corpus is read once. Its held-out pairs are then kept in `cache_dir`, under a hash of the
    sources and the seed, so that later calls read only those.

    Args:
        config: the sources.
        seed: the run's; decides which pairs are chosen.
        cache_dir: folder of the tokenized stores.

    Raises:
        DataError: as `read_pairs` and `choose_held_out`.
    """
    if config.valid is not None:
        return HeldOut(np.empty(0, dtype=np.int64), [])
    key = json.dumps([_FORMAT_VERSION, fingerprint(config.train, cache_dir), seed])
    path = cache_dir / f"holdout_{hashlib.sha256(key.encode('ascii')).hexdigest()[:16]}.json"
    held_out = _read(path)
    if held_out is None:
        held_out = choose_held_out(read_pairs(config.train), seed)
        with suppress(RunFolderError):  # then the next start reads the corpus again
            _write(path, held_out)
    return held_out


def choose_held_out(pairs: Iterable[tuple[str, str]], seed: int) -> HeldOut:
    """Choose min(1000, 2 %) of the pairs, at least one: a function of its arguments alone.

    Those with the smallest random keys are chosen. Never more than 1000 pairs are in memory.

    Raises:
        DataError: there are fewer than two pairs, so that nothing would be left to train on.
    """
    num_pairs = 0

    def keyed() -> Iterator[tuple[int, int, tuple[str, str]]]:
        nonlocal num_pairs
        keys = random_key_stream(seed, Purpose.HOLDOUT)
        for index, (key, pair) in enumerate(zip(keys, pairs, strict=False)):
            num_pairs = index + 1
            yield key, index, pair

    # The number of pairs, and with it the share, is known only at the end.
    smallest = nsmallest(_LARGEST, keyed())
    if num_pairs < 2:
        raise DataError(
            f"the corpus has {num_pairs} sentence pair{'s' * (num_pairs != 1)}, too few to hold one"
            " out for validation",
            hint="set `data.valid` to validation files, or train on more pairs",
        )
    chosen = smallest[: min(_LARGEST, max(1, int(_SHARE * num_pairs)))]
    chosen.sort(key=lambda entry: entry[1])
    return HeldOut(
        np.array([index for _, index, _ in chosen], dtype=np.int64),
        [pair for _, _, pair in chosen],
    )


def read_training(config: DataConfig, held_out: Indices) -> Iterator[tuple[str, str]]:
    """Read the training pairs as they are in the sources, without those that are held out.

    Args:
        config: the sources.
        held_out: indices of the pairs to omit.

    Raises:
        DataError: as `read_pairs`.
    """
    excluded = set(held_out.tolist())
    for index, pair in enumerate(read_pairs(config.train)):
        if index not in excluded:
            yield pair


def read_validation(config: DataConfig, held_out: HeldOut) -> list[tuple[str, str]]:
    """Read all validation pairs, in the order of their sources; no rule drops any.

    Raises:
        DataError: as `read_pairs`.
    """
    return held_out.pairs if config.valid is None else list(read_pairs(config.valid))


def _write(path: Path, held_out: HeldOut) -> None:
    content = {
        "format_version": _FORMAT_VERSION,
        "indices": held_out.indices.tolist(),
        "pairs": held_out.pairs,
    }
    write_json(path, content)


def _read(path: Path) -> HeldOut | None:
    """The cached pairs; None if there are none, or the file is damaged: they can be read again."""
    try:
        content = read_json(path, DataError)
        pairs = [(str(src), str(tgt)) for src, tgt in content["pairs"]]
        indices = np.array(content["indices"], dtype=np.int64)
    except (DataError, KeyError, TypeError, ValueError):
        return None
    return HeldOut(indices, pairs) if len(indices) == len(pairs) else None
