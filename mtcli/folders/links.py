"""Links inside a folder: symbolic ones, or small files where the file system has none."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from mtcli.errors import RunFolderError
from mtcli.folders.json_files import parse_json
from mtcli.folders.manifest import FORMAT_VERSION, is_file_name
from mtcli.folders.refusals import is_refusal
from mtcli.folders.writing import replacing, write_json

_TARGET = "link_to"
"""Key of a link file."""

_LARGEST_LINK_FILE = 4096
"""In bytes, so that a large file of that name is not read."""


def replace_link(link: Path, target: str) -> None:
    """Make `link` point to `target`, in one step where it was a link already.

    It is a symbolic link, or a JSON file that names the target where the file system has none
    (Google Drive, exFAT, SMB).

    Args:
        link: the link; must not be a folder or file of its own.
        target: where it points to, relative to the link's folder.

    Raises:
        RunFolderError: the link cannot be made.
    """
    if os.path.lexists(link) and link_target(link) is None:
        kind = "folder" if link.is_dir() else "file"
        raise RunFolderError(
            f"{link} is a {kind}, but mtcli keeps a link there",
            hint="move it away, then run the command again",
        )
    try:
        with replacing(link) as temporary:
            temporary.symlink_to(target)
    except RunFolderError as error:
        if not (isinstance(error.__cause__, OSError) and is_refusal(error.__cause__)):
            raise
        write_json(link, {"format_version": FORMAT_VERSION, _TARGET: target})


def link_target(link: Path) -> Path | None:
    """What a link of `replace_link` points to, in the link's folder; None if it is not a link.

    The target need not exist. A link file that leads out of its folder does not count.
    """
    try:
        target = link.readlink() if link.is_symlink() else _read_link_file(link)
    except OSError:
        return None
    if target is None or target.is_absolute() or ".." in target.parts:
        return link.resolve() if link.is_symlink() else None
    return link.parent / target


def follow_link(path: Path) -> Path:
    """The target where `path` is a file that stands for a link; else `path` as it is."""
    target = None if path.is_symlink() or path.is_dir() else link_target(path)
    return path if target is None else target


def _read_link_file(link: Path) -> Path | None:
    if not link.is_file() or link.stat().st_size > _LARGEST_LINK_FILE:
        return None
    try:
        content = parse_json(link.read_bytes(), str(link), RunFolderError)
    except RunFolderError:
        return None
    target = content.get(_TARGET) if isinstance(content, dict) else None
    if not isinstance(target, str) or not is_file_name(target):
        return None
    return Path(PurePosixPath(target))
