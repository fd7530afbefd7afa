"""Validation pairs: those of the validation sources, or some of the training pairs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np

from mtcli.config.schema.data import DataConfig
from mtcli.data.dropped import Dropped
from mtcli.data.fingerprint import fingerprint
from mtcli.data.held_out_choice import HeldOut, Indices, choose_by_number, choose_held_out
from mtcli.data.sources import read_pairs
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import read_sealed_json, write_sealed_json

HoldOutRule = Literal["number", "content"]
"""What decides which pairs are held out. `number` was the rule of 0.1.0: a pair that was repeated
could be trained on as well."""

_FORMAT_VERSIONS: dict[HoldOutRule, int] = {"number": 1, "content": 2}
"""Of the cached file. Raise it if the same sources and seed would give other pairs."""


def hold_out(
    config: DataConfig, seed: int, cache_dir: Path, rule: HoldOutRule = "content"
) -> HeldOut:
    """Choose the training pairs to validate on if the config names no validation sources.

    The corpus is read two or three times. Its held-out pairs are then kept in `cache_dir`, under a
    hash of the sources and the seed, so that later calls read only those.

    Args:
        config: the sources.
        seed: the run's; decides which pairs are chosen.
        cache_dir: folder of the tokenized stores.
        rule: `number` only for a run that began with it.

    Raises:
        DataError: as `read_pairs` and `choose_held_out`.
    """
    if config.valid is not None:
        return HeldOut(np.empty(0, dtype=np.int64), [])
    version = _FORMAT_VERSIONS[rule]
    key = json.dumps([version, fingerprint(config.train, cache_dir), seed])
    path = cache_dir / f"holdout_{hashlib.sha256(key.encode('ascii')).hexdigest()[:16]}.json"
    held_out = _read(path)
    if held_out is None:
        if rule == "content":
            held_out = choose_held_out(lambda: read_pairs(config.train), seed)
        else:
            held_out = choose_by_number(read_pairs(config.train), seed)
        with suppress(RunFolderError):  # then the next start reads the corpus again
            _write(path, held_out, version)
    return held_out


def read_training(
    config: DataConfig, held_out: Indices, dropped: Dropped | None = None
) -> Iterator[tuple[str, str]]:
    """Read the training pairs as they are in the sources, without those that leave training.

    Args:
        config: the sources.
        held_out: indices of the pairs to omit.
        dropped: counts what the readers leave out.

    Raises:
        DataError: as `read_pairs`.
    """
    excluded = set(held_out.tolist())
    for index, pair in enumerate(read_pairs(config.train, dropped)):
        if index not in excluded:
            yield pair


def read_validation(
    config: DataConfig, held_out: HeldOut, dropped: Dropped | None = None
) -> list[tuple[str, str]]:
    """Read all validation pairs, in the order of their sources; no rule drops any.

    Args:
        config: the sources.
        held_out: the pairs of the training sources, if there are no validation sources.
        dropped: counts what the readers leave out.

    Raises:
        DataError: as `read_pairs`.
    """
    return held_out.pairs if config.valid is None else list(read_pairs(config.valid, dropped))


def _write(path: Path, held_out: HeldOut, version: int) -> None:
    content = {
        "format_version": version,
        "indices": held_out.indices.tolist(),
        "pairs": held_out.pairs,
        "example": held_out.example,
        "sides": held_out.sides,
    }
    write_sealed_json(path, content)


def _read(path: Path) -> HeldOut | None:
    """The cached pairs; None if there are none, or the file is damaged: they can be read again."""
    try:
        content = read_sealed_json(path, DataError)
        pairs = [(str(src), str(tgt)) for src, tgt in content["pairs"]]
        indices = np.array(content["indices"], dtype=np.int64)
        if content["format_version"] == _FORMAT_VERSIONS["number"]:
            return HeldOut(indices, pairs) if len(indices) == len(pairs) else None
        example = content["example"] and (str(content["example"][0]), str(content["example"][1]))
        sides = tuple(int(side) for side in content["sides"])
    except (DataError, KeyError, TypeError, ValueError, IndexError):
        return None
    return HeldOut(indices, pairs, example, sides) if 0 < len(pairs) <= len(indices) else None
