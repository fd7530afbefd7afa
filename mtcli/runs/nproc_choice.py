"""What `--nproc auto` measured, kept in the run folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mtcli.errors import RunFolderError
from mtcli.folders import read_json, write_json
from mtcli.runs.folder import RunFolder
from mtcli.runs.split import MOST_PROCESSES

_FORMAT_VERSION = 1


@dataclass(frozen=True)
class NprocChoice:
    """The number of processes that trained fastest."""

    nproc: int
    why: str
    """The measurements in words."""
    fingerprint: str
    """A hash of what the choice depends on."""


def read_choice(run: RunFolder) -> NprocChoice | None:
    """What was measured; None if nothing was.

    Raises:
        RunFolderError: the file is damaged.
    """
    if not run.nproc.exists():
        return None
    content = read_json(run.nproc, RunFolderError)
    try:
        choice = NprocChoice(content["nproc"], content["why"], content["fingerprint"])
    except (KeyError, TypeError):
        choice = None
    if (
        choice is None
        or type(choice.nproc) is not int
        or not 1 <= choice.nproc <= MOST_PROCESSES
        or not (isinstance(choice.why, str) and isinstance(choice.fingerprint, str))
    ):
        raise RunFolderError(
            f"{run.nproc} is damaged: it has no number of processes with its reason",
            hint="delete it to measure again",
        )
    return choice


def write_choice(run: RunFolder, choice: NprocChoice) -> None:
    """Keep what was measured.

    Raises:
        RunFolderError: it cannot be written.
    """
    write_json(run.nproc, {"format_version": _FORMAT_VERSION} | asdict(choice))
