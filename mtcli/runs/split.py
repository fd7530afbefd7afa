"""How a run is split over processes and threads: chosen at its start, kept for every resume."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mtcli.errors import RunFolderError
from mtcli.folders import read_json, refuse_newer_format, write_json
from mtcli.runs.folder import RunFolder

_FORMAT_VERSION = 1

MOST_PROCESSES = 100_000
"""Of processes, or of threads: a file that says more does not come from a run."""


@dataclass(frozen=True)
class Split:
    """The processes that train together, and the threads of each.

    Sums are rounded in another order where either differs, so weights differ in their last bits.
    """

    processes: int
    threads: int

    def __str__(self) -> str:
        """For instance `2 processes of 1 thread`."""
        processes = "process" if self.processes == 1 else "processes"
        threads = "thread" if self.threads == 1 else "threads"
        return f"{self.processes} {processes} of {self.threads} {threads}"


def read_split(run: RunFolder) -> Split | None:
    """The split that a run started with; None if it has no checkpoint or an older mtcli made it.

    Raises:
        RunFolderError: the file is damaged, or a newer mtcli wrote it.
    """
    if not run.split.exists() or not run.all_checkpoints():
        return None
    content = read_json(run.split, RunFolderError)
    try:
        version, split = content["format_version"], content["split"]
        numbers = split["processes"], split["threads"]
        is_valid = all(
            type(number) is int and 1 <= number <= MOST_PROCESSES for number in (version, *numbers)
        )
    except (KeyError, TypeError):
        is_valid = False
    if not is_valid:
        raise RunFolderError(
            f"{run.split} is damaged: it has no numbers of processes and threads",
            hint="delete it to choose them again",
        )
    refuse_newer_format(run.split, version, RunFolderError)
    return Split(*numbers)


def write_split(run: RunFolder, split: Split) -> None:
    """Keep the split for resumes."""
    write_json(run.split, {"format_version": _FORMAT_VERSION, "split": asdict(split)})
