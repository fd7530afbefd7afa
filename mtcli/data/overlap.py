"""Count the validation pairs that stand in the training text, whose scores say too much."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import get_type_hints

from mtcli.config.schema.data import DataConfig
from mtcli.data.fingerprint import fingerprint
from mtcli.data.same_text import same_text
from mtcli.data.sources import read_pairs
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import read_json, write_json

_FORMAT_VERSION = 1
"""Of the cached file. Raise it if the same sources would give other counts."""


@dataclass(frozen=True)
class Overlap:
    """What validation pairs share with training pairs, apart from case, space and form."""

    num_valid: int
    """Validation pairs, the blank ones among them."""
    num_pairs: int
    """Those that equal a training pair on both sides."""
    num_src: int
    """Others whose source is that of a training pair."""
    first: int = 0
    """Number of the first that equals a training pair, counted from 1; 0 if there is none."""
    src: str = ""
    """Its source."""
    tgt: str = ""
    """Its target."""


def find_overlap(config: DataConfig, cache_dir: Path) -> Overlap | None:
    """What the validation sources share with the training sources; None if there are none.

    The corpus is read once. The result is then kept in `cache_dir`, under a hash of both.

    Raises:
        DataError: as `read_pairs`.
    """
    if config.valid is None:
        return None
    hashes = [fingerprint(sources, cache_dir) for sources in (config.train, config.valid)]
    key = json.dumps([_FORMAT_VERSION, *hashes]).encode("ascii")
    path = cache_dir / f"overlap_{hashlib.sha256(key).hexdigest()[:16]}.json"
    overlap = _read(path)
    if overlap is None:
        overlap = count_overlap(list(read_pairs(config.valid)), read_pairs(config.train))
        with suppress(RunFolderError):  # then the next start reads the corpus again
            write_json(path, {"format_version": _FORMAT_VERSION} | asdict(overlap))
    return overlap


def count_overlap(valid: Sequence[tuple[str, str]], training: Iterable[tuple[str, str]]) -> Overlap:
    """Count what validation pairs share with training pairs; pairs with a blank side do not.

    Args:
        valid: the validation pairs.
        training: read once; none is kept in memory.
    """
    texts = [(same_text(src), same_text(tgt)) for src, tgt in valid]
    wanted = {(src, tgt) for src, tgt in texts if src and tgt}
    wanted_src = {src for src, _ in wanted}
    seen: set[tuple[str, str]] = set()
    seen_src: set[str] = set()
    for pair in training:
        src = same_text(pair[0])
        if src in wanted_src and (tgt := same_text(pair[1])):
            seen_src.add(src)
            if (src, tgt) in wanted:
                seen.add((src, tgt))
    both = [i for i, pair in enumerate(texts) if pair in seen]
    num_src = sum(pair not in seen and pair[0] in seen_src and pair[1] != "" for pair in texts)
    example = (both[0] + 1, *valid[both[0]]) if both else ()
    return Overlap(len(valid), len(both), num_src, *example)


def _read(path: Path) -> Overlap | None:
    """The cached counts; None if there are none, or the file is damaged."""
    try:
        content = read_json(path, DataError)
        del content["format_version"]
        overlap = Overlap(**content)
        kinds = {field.name: type(getattr(overlap, field.name)) for field in fields(Overlap)}
        return overlap if kinds == get_type_hints(Overlap) else None
    except (DataError, KeyError, TypeError):
        return None
