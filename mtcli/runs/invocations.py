"""invocations.jsonl: which commands made a run, and where the values of its config came from."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mtcli.errors import RunFolderError
from mtcli.runs.folder import RunFolder


@dataclass(frozen=True)
class Invocation:
    """A command that started or resumed a run."""

    command: Sequence[str]
    """Its words, `mtcli` first."""
    origins: Mapping[str, str]
    """Where values of the config came from, by dotted key, such as `my.yaml line 3` or `--set`.
    Keys that are not named have their defaults."""
    working_dir: str = field(default_factory=lambda: str(Path.cwd()))
    """Where relative paths of the command start."""
    started_at_s: float = field(default_factory=time.time)
    """Seconds since 1970."""


def record_invocation(run: RunFolder, invocation: Invocation) -> None:
    """Append it to the run's file.

    Raises:
        RunFolderError: it cannot be written.
    """
    line = json.dumps({"format_version": 1} | asdict(invocation), ensure_ascii=False)
    try:
        with run.invocations.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(line + "\n")
    except OSError as error:
        raise RunFolderError(f"cannot write {run.invocations}: {error.strerror}") from error


def read_invocations(run: RunFolder) -> list[Invocation]:
    """The invocations of a run, oldest first; none of a run that an earlier mtcli began."""
    if not run.invocations.exists():
        return []
    found = []
    for line in run.invocations.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            values = json.loads(line)
            found.append(
                Invocation(
                    values["command"],
                    values["origins"],
                    values["working_dir"],
                    values["started_at_s"],
                )
            )
        # the torn last line of a full disk
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return found
