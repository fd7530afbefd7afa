"""loggers.json: what experiment trackers call a run, and what of it they have."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

from mtcli.errors import MtcliError, RunFolderError
from mtcli.folders import read_json, write_json


class Identities:
    """The ids of a run at its trackers, and the newest steps that they have.

    Args:
        path: the file that keeps them; None keeps nothing, so that the run is a new one anywhere.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()  # each tracker has a thread

    def get(self, place: str) -> str | None:
        """The id at a place, such as `wandb:team/project`; None if it was never logged there."""
        return self._read()[0].get(_hashed(place))

    def keep(self, place: str, identity: str) -> None:
        """Keep the id for the next invocation.

        Raises:
            MtcliError: the file cannot be written.
        """
        with self._lock:
            ids, newest = self._read()
            self._write(ids | {_hashed(place): identity}, newest)

    def newest(self, place: str) -> dict[str, int]:
        """The step of the newest record of each kind that was logged there."""
        return self._read()[1].get(_hashed(place), {})

    def keep_newest(self, place: str, kind: str, step: int) -> None:
        """Keep that a record was logged there.

        Raises:
            MtcliError: the file cannot be written.
        """
        with self._lock:
            ids, newest = self._read()
            key = _hashed(place)
            self._write(ids, newest | {key: newest.get(key, {}) | {kind: step}})

    def _write(self, ids: dict[str, str], newest: dict[str, dict[str, int]]) -> None:
        if self._path is not None:
            write_json(self._path, {"format_version": 1, "ids": ids, "newest_steps": newest})

    def _read(self) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
        """Damaged ids are like none: the run is then a new one at the tracker."""
        if self._path is None or not self._path.exists():
            return {}, {}
        try:
            content = read_json(self._path, RunFolderError)
        except MtcliError:
            return {}, {}
        values = content if isinstance(content, dict) else {}
        ids = {place: one for place, one in _pairs(values.get("ids")) if isinstance(one, str)}
        newest = {
            place: {kind: step for kind, step in _pairs(steps) if isinstance(step, int)}
            for place, steps in _pairs(values.get("newest_steps"))
        }
        return ids, newest


def _pairs(value: object) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _hashed(place: str) -> str:
    """The kind of tracker, and a hash: an address may have a password."""
    digest = hashlib.sha256(place.encode("utf-8", "backslashreplace")).hexdigest()
    return f"{place.partition(':')[0]}:{digest[:16]}"
