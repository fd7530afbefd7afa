"""Scores of lines that an external metric has computed before, by their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress

from mtcli.errors import MtcliError
from mtcli.folders import write_text_atomically
from mtcli.system.user_paths import cache_folder

_SCORES = "scores"


def cache_key(parts: Sequence[str]) -> str:
    """A name for all that decides a score."""
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


def cached_scores(key: str, num_lines: int) -> list[float] | None:
    """The scores that were kept; None if there are none, or the file is damaged."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        values = json.loads((folder / _SCORES / f"{key}.json").read_text("utf-8"))
        scores = [float(value) for value in values]
    except (OSError, ValueError, TypeError):
        return None
    return scores if len(scores) == num_lines else None


def keep_scores(key: str, values: Sequence[float]) -> None:
    """Keep scores for the next time; without a place for them they are computed again then."""
    folder = cache_folder()
    if folder is not None:
        with suppress(OSError, MtcliError):
            write_text_atomically(folder / _SCORES / f"{key}.json", json.dumps(list(values)))
