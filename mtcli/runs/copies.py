"""Make `last` and `best` links again in a run that was copied with links followed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from mtcli.errors import RunFolderError
from mtcli.folders import MANIFEST, link_target, remove_folder, replace_link, verify_folder
from mtcli.runs.folder import RunFolder
from mtcli.runs.retention import rename_aside

logger = logging.getLogger(__name__)


def relink_copies(run: RunFolder) -> None:
    """Replace folders called `last` and `best` by links to what they are copies of.

    `cp -rL`, `scp -r`, cloud drives and archives leave such folders. One that is not a copy
    of anything in the run is renamed, with a warning.

    Raises:
        RunFolderError: a folder cannot be removed or renamed.
    """
    for link, originals in (
        (run.last, run.all_checkpoints().values()),
        (run.best, run.all_models().values()),
    ):
        if not link.is_dir() or link_target(link) is not None:
            continue
        original = _original_of(link, originals)
        if original is None:
            aside = rename_aside(link)
            logger.warning("%s is not a copy of anything in this run: renamed to %s", link, aside)
            continue
        _keep_one(link, original)
        replace_link(link, original.relative_to(run.path).as_posix())
        logger.info(
            "%s was a copy of %s, because this run was copied with links followed: it is a link"
            " again",
            link,
            original.relative_to(run.path),
        )


def _original_of(copy: Path, originals: Iterable[Path]) -> Path | None:
    """The folder with the same files, by their manifests."""
    manifest = copy / MANIFEST
    if not manifest.is_file():
        return None
    wanted = manifest.read_bytes()
    for original in originals:
        if (original / MANIFEST).is_file() and (original / MANIFEST).read_bytes() == wanted:
            return original
    return None


def _keep_one(copy: Path, original: Path) -> None:
    """Keep the original, or put the copy into its place if the original is damaged."""
    try:
        verify_folder(original, error=RunFolderError)
    except RunFolderError:
        remove_folder(original)
        copy.rename(original)
    else:
        remove_folder(copy)
