"""Check the files of a folder against its manifest."""

from __future__ import annotations

import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from mtcli.errors import MtcliError
from mtcli.folders.manifest import MANIFEST, ManifestEntry, read_manifest, sha256_of
from mtcli.folders.rights import why_refused
from mtcli.folders.verified import VerifiedFiles


def verify_folder(
    folder: Path,
    *,
    error: type[MtcliError],
    required: Collection[str] = (),
    memory: Path | None = None,
) -> None:
    """Check all files that a folder's manifest lists; other files are ignored.

    Args:
        folder: the folder.
        error: class of what is raised.
        required: files, relative to the folder, that the manifest must list.
        memory: where `VerifiedFiles` remembers the large files that were found right, so that they
            are not hashed at every start; None hashes all.

    Raises:
        MtcliError: of class `error`: the folder or a file is missing, a size or hash differs, the
            manifest is malformed, or the folder is of a newer format.
    """
    entries = read_manifest(folder, error)
    names = dict.fromkeys([*required, *entries])
    verify_files(folder, entries, names, error=error, memory=memory)


def verify_files(
    folder: Path,
    entries: Mapping[str, ManifestEntry],
    names: Collection[str],
    *,
    error: type[MtcliError],
    memory: Path | None = None,
) -> None:
    """Check some files of a folder against its manifest.

    Args:
        folder: the folder.
        entries: what `read_manifest` gave for it.
        names: the files, relative to the folder.
        error: class of what is raised.
        memory: as in `verify_folder`.

    Raises:
        MtcliError: of class `error`: a file is missing or not listed, or its size or hash differs.
    """
    verified = VerifiedFiles(folder, memory)
    for name in names:
        path, entry = folder / name, entries.get(name)
        try:
            status = path.stat()
            if entry is None:
                raise error(f"{folder / MANIFEST} is damaged: it does not list `{name}`")
            if not stat.S_ISREG(status.st_mode):  # a pipe or a device may have no end
                raise error(f"{path} is not a regular file")
            if status.st_size != entry["size_bytes"]:
                raise error(
                    f"{path} is damaged: it has {status.st_size} bytes, but `{MANIFEST}` says"
                    f" {entry['size_bytes']}"
                )
            if verified.has(name, status, entry["sha256"]):
                continue
            if sha256_of(path) != entry["sha256"]:
                raise error(f"{path} is damaged: its SHA-256 is not the one in `{MANIFEST}`")
            verified.add(name, status, entry["sha256"])
        except FileNotFoundError as cause:
            raise error(f"{folder} is incomplete: `{name}` is missing") from cause
        except OSError as cause:
            raise error(f"cannot read {path}: {why_refused(path, cause)}") from cause
    verified.save()
