"""JSON files that carry a hash of their own content, so that a changed byte is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtcli.errors import MtcliError
from mtcli.folders.json_files import read_json
from mtcli.folders.writing import write_json

_SEAL = "sha256"


def write_sealed_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object with the hash of its content, atomically.

    Raises:
        RunFolderError: it cannot be written.
    """
    write_json(path, {**content, _SEAL: _hash_of(content)})


def read_sealed_json(path: Path, error: type[MtcliError]) -> Any:
    """What `write_sealed_json` wrote; a file of an earlier mtcli has no hash, and is read as it is.

    Raises:
        MtcliError: of class `error`: the file is missing, unreadable, not JSON, or was changed.
    """
    content = read_json(path, error)
    if not isinstance(content, dict) or _SEAL not in content:
        return content
    if content.pop(_SEAL) != _hash_of(content):
        raise error(f"{path} is damaged: its SHA-256 is not the one in it")
    return content


def _hash_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()
