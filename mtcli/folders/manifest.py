"""Make and check manifests: the files of a folder with their sizes and SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mtcli.errors import MtcliError
from mtcli.folders.rights import why_refused

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


def read_json(path: Path, error: type[MtcliError]) -> Any:
    """The content of a JSON file.

    Raises:
        MtcliError: of class `error`: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as cause:
        raise error(f"{path} does not exist") from cause
    except OSError as cause:
        raise error(f"cannot read {path}: {why_refused(path, cause)}") from cause
    except UnicodeDecodeError as cause:
        raise error(f"{path} is damaged: byte {cause.start} is not UTF-8") from cause
    except json.JSONDecodeError as cause:
        raise error(f"{path} is damaged: line {cause.lineno} is not JSON ({cause.msg})") from cause


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


def verify_folder(
    folder: Path,
    *,
    error: type[MtcliError],
    required: Collection[str] = (),
    hashed_below_bytes: float = float("inf"),
) -> None:
    """Check all files that a folder's manifest lists; other files are ignored.

    Args:
        folder: the folder.
        error: class of what is raised.
        required: files, relative to the folder, that the manifest must list.
        hashed_below_bytes: only files smaller than this are read to check their SHA-256; of larger
            ones only the size is compared. 0 compares sizes alone.

    Raises:
        MtcliError: of class `error`: the folder or a file is missing, a size or hash differs, the
            manifest is malformed, or the folder is of a newer format.
    """
    entries = read_manifest(folder, error)
    names = dict.fromkeys([*required, *entries])
    verify_files(folder, entries, names, error=error, hashed_below_bytes=hashed_below_bytes)


def verify_files(
    folder: Path,
    entries: Mapping[str, ManifestEntry],
    names: Collection[str],
    *,
    error: type[MtcliError],
    hashed_below_bytes: float = float("inf"),
) -> None:
    """Check some files of a folder against its manifest.

    Args:
        folder: the folder.
        entries: what `read_manifest` gave for it.
        names: the files, relative to the folder.
        error: class of what is raised.
        hashed_below_bytes: as in `verify_folder`.

    Raises:
        MtcliError: of class `error`: a file is missing or not listed, or its size or hash differs.
    """
    for name in names:
        path, entry = folder / name, entries.get(name)
        try:
            size_bytes = path.stat().st_size
            if entry is None:
                raise error(f"{folder / MANIFEST} is damaged: it does not list `{name}`")
            if size_bytes != entry["size_bytes"]:
                raise error(
                    f"{path} is damaged: it has {size_bytes} bytes, but `{MANIFEST}` says"
                    f" {entry['size_bytes']}"
                )
            if size_bytes < hashed_below_bytes and sha256_of(path) != entry["sha256"]:
                raise error(f"{path} is damaged: its SHA-256 is not the one in `{MANIFEST}`")
        except FileNotFoundError as cause:
            raise error(f"{folder} is incomplete: `{name}` is missing") from cause
        except OSError as cause:
            raise error(f"cannot read {path}: {why_refused(path, cause)}") from cause


def _is_entry(item: tuple[str, object]) -> bool:
    """Whether an item of the manifest is a file inside the folder, with size and hash."""
    name, entry = item
    is_inside = not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
    return is_inside and isinstance(entry, dict) and {"size_bytes", "sha256"} <= entry.keys()
