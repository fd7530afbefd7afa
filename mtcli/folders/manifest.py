"""Make and read manifests: the files of a folder with their sizes and SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mtcli.errors import MtcliError
from mtcli.folders.json_files import read_json

FORMAT_VERSION = 1
"""Version of every folder that mtcli writes; a newer one is refused, an older one is read."""

MANIFEST = "MANIFEST.json"
"""Sizes and SHA-256 of the files of a folder; written last."""

ManifestEntry = Mapping[str, Any]
"""`size_bytes` and `sha256` of one file."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, in order; links are left out."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def make_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder that does not have one yet, as it goes into `MANIFEST.json`."""
    files = {
        file.relative_to(folder).as_posix(): {
            "size_bytes": file.stat().st_size,
            "sha256": sha256_of(file),
        }
        for file in files_in(folder)
    }
    return {"format_version": FORMAT_VERSION, "files": files}


def refuse_newer_format(
    path: Path, version: int, error: type[MtcliError], newest: int = FORMAT_VERSION
) -> None:
    """Refuse what a newer mtcli has written.

    Args:
        path: the folder or file, for the message.
        version: its `format_version`.
        error: class of what is raised.
        newest: the version that this mtcli writes; it reads that and older ones.

    Raises:
        MtcliError: of class `error`: the version is above `newest`.
    """
    if version > newest:
        raise error(
            f"{path} has format_version {version}, but this mtcli reads versions up to {newest}",
            hint="upgrade mtcli; a newer version wrote this",
        )


def read_manifest(folder: Path, error: type[MtcliError]) -> dict[str, ManifestEntry]:
    """The files that a folder's manifest lists, by their path relative to the folder.

    Raises:
        MtcliError: of class `error`: the folder or its manifest is missing, the manifest is
            malformed, or the folder is of a newer format.
    """
    if not folder.is_dir():
        raise error(f"{folder} does not exist" if not folder.exists() else f"{folder} is a file")
    path = folder / MANIFEST
    if not path.is_file():
        raise error(f"{folder} is incomplete: `{MANIFEST}` is missing")
    manifest = read_json(path, error)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format_version"), int):
        raise error(f"{path} is damaged: it has no `format_version`")
    refuse_newer_format(folder, manifest["format_version"], error)
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(map(_is_entry, files.items())):
        raise error(f"{path} is damaged: it has no valid list of files")
    return files


def _is_entry(item: tuple[str, object]) -> bool:
    """Whether an item of the manifest is a file inside the folder, with size and hash."""
    name, entry = item
    is_inside = not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
    return (
        is_inside
        and is_file_name(name)
        and isinstance(entry, dict)
        and {"size_bytes", "sha256"} <= entry.keys()
    )


def is_file_name(name: str) -> bool:
    """Whether a file can have that name: no NUL, and only characters that file systems can hold."""
    try:
        return bool(PurePosixPath(name).name) and b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False
