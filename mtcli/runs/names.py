"""Names of a run's step folders."""

from __future__ import annotations

import re
from pathlib import Path

_STEP = re.compile(r"step_(\d{8,})")


def step_name(step: int) -> str:
    """Name of a step's folder."""
    return f"step_{step:08d}"


def steps_in(folder: Path) -> list[int]:
    """Steps of the step folders in `folder`, in ascending order; none where it does not exist."""
    if not folder.is_dir():
        return []
    found = (_STEP.fullmatch(path.name) for path in folder.iterdir() if path.is_dir())
    return sorted(int(match[1]) for match in found if match)


def files_among_steps(folder: Path) -> list[Path]:
    """What has the name of a step folder in `folder` and is none, in order."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if _STEP.fullmatch(path.name) and not path.is_dir()
    )
