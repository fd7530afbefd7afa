"""Which large files were hashed before and have not changed since, so that starts need not wait."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mtcli.errors import RunFolderError
from mtcli.folders.json_files import read_json
from mtcli.folders.writing import write_json

LARGE_BYTES = 2**20
"""Smaller files are hashed whenever they are checked: SHA-256 takes a millisecond a megabyte."""
VALID_FOR_S = 24 * 3600
"""After a day a file is hashed again: a disk that loses bits changes no time of change."""
_SETTLED_AFTER_NS = 2_000_000_000
"""A younger file is not remembered: it may change again within one tick of its clock."""
_MOST_FOLDERS = 200
"""Folders that are remembered; the oldest is forgotten for a new one."""

Memory = Mapping[str, Mapping[str, Any]]


class VerifiedFiles:
    """The large files of a folder whose SHA-256 was found right, by this process or another.

    A file has not changed while its size, inode, mtime and ctime are the same. What is remembered
    spares hashing a file, and never accuses one.

    Args:
        folder: what the files are in.
        memory: the folder of what is remembered, made if needed; None remembers nothing.
    """

    def __init__(self, folder: Path, memory: Path | None) -> None:
        self._file: Path | None = None
        self._known: dict[str, Mapping[str, Any]] = {}
        self._is_changed = False
        if memory is not None:
            self._folder = str(folder.resolve())
            key = hashlib.sha256(os.fsencode(self._folder)).hexdigest()
            self._file = memory / f"{key[:16]}.json"
            self._known = dict(_read(self._file))

    def has(self, name: str, status: os.stat_result, sha256: str) -> bool:
        """Whether a file had this hash when it was last read, and is unchanged since."""
        if status.st_size < LARGE_BYTES:
            return False
        known = self._known.get(name)
        return (
            isinstance(known, dict)
            and known.get("sha256") == sha256
            and known.get("stamp") == _stamp(status)
            and isinstance(known.get("at_s"), float)
            and 0 <= time.time() - known["at_s"] < VALID_FOR_S
        )

    def add(self, name: str, status: os.stat_result, sha256: str) -> None:
        """Remember a file that was just hashed.

        Args:
            name: of the file in the folder.
            status: of the file before it was hashed.
            sha256: the hash.
        """
        age_ns = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns)
        if status.st_size >= LARGE_BYTES and age_ns > _SETTLED_AFTER_NS:
            self._known[name] = {"stamp": _stamp(status), "sha256": sha256, "at_s": time.time()}
            self._is_changed = True

    def save(self) -> None:
        """Write what was added; where nothing can be written, the next start hashes again."""
        if self._file is None or not self._is_changed:
            return
        with suppress(RunFolderError, OSError):
            if not self._file.exists():
                _make_room(self._file.parent)
            write_json(self._file, {"folder": self._folder, "files": self._known})


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def _read(file: Path) -> Memory:
    """What is remembered of a folder; nothing if it is missing or damaged."""
    try:
        content = read_json(file, RunFolderError)
    except RunFolderError:
        return {}
    files = content.get("files") if isinstance(content, dict) else None
    return files if isinstance(files, dict) else {}


def _make_room(memory: Path) -> None:
    """Forget the folders that were verified the longest ago."""
    remembered = sorted(memory.glob("*.json"), key=lambda file: file.stat().st_mtime)
    for file in remembered[: max(0, len(remembered) + 1 - _MOST_FOLDERS)]:
        file.unlink()
