"""Validation pairs: those of the validation sources, or else some of the training pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mtcli.config.schema.data import DataConfig
from mtcli.data.randomness import Purpose, random_keys
from mtcli.data.sources import count_pairs, read_pairs
from mtcli.errors import DataError

Indices = npt.NDArray[np.int64]

_LARGEST = 1000
_SHARE = 0.02


def choose_holdout(num_pairs: int, seed: int) -> Indices:
    """Indices of min(1000, 2 %) of the pairs, at least one, ascending; a function of its arguments.

    Raises:
        DataError: there are fewer than two pairs, so that nothing would be left to train on.
    """
    if num_pairs < 2:
        raise DataError(
            f"the corpus has {num_pairs} sentence pair{'s' * (num_pairs != 1)}, too few to hold one"
            " out for validation: give data.valid"
        )
    size = min(_LARGEST, max(1, int(_SHARE * num_pairs)))
    keys = random_keys(num_pairs, seed, Purpose.HOLDOUT)
    return np.sort(np.argsort(keys, kind="stable")[:size])


def holdout_of(config: DataConfig, seed: int) -> Indices:
    """Indices of the training pairs that are held out; none where there are validation sources.

    Raises:
        DataError: as `read_pairs` (the training pairs are read to be counted) and `choose_holdout`.
    """
    if config.valid is not None:
        return np.empty(0, dtype=np.int64)
    return choose_holdout(count_pairs(config.train), seed)


def read_training(config: DataConfig, holdout: Indices) -> Iterator[tuple[str, str]]:
    """The training pairs as they lie, nothing dropped but what is held out.

    Raises:
        DataError: as `read_pairs`.
    """
    excluded = set(holdout.tolist())
    for index, pair in enumerate(read_pairs(config.train)):
        if index not in excluded:
            yield pair


def read_validation(config: DataConfig, holdout: Indices) -> list[tuple[str, str]]:
    """All validation pairs, whatever their text; what is held out comes in the corpus's order.

    Raises:
        DataError: as `read_pairs`.
    """
    if config.valid is not None:
        return list(read_pairs(config.valid))
    included = set(holdout.tolist())
    pairs = enumerate(read_pairs(config.train))
    return [pair for index, pair in pairs if index in included]
