"""The folder that an import or an export writes."""

from __future__ import annotations

from pathlib import Path

from mtcli.errors import RunFolderError


def refuse_existing(output: Path) -> None:
    """Refuse to write where something is.

    Raises:
        RunFolderError: there is.
    """
    if output.exists():
        raise RunFolderError(
            f"{output} already exists", hint="remove it, or give another `--output`"
        )


def folder_bytes(folder: Path) -> int:
    """Size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
