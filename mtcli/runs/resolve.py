"""Which model folder a path means: a model folder itself, or one of a run's."""

from __future__ import annotations

import re
from pathlib import Path

from mtcli.bundle.model_folder import CARD, WEIGHTS
from mtcli.errors import ModelFolderError

MODELS = "models"
BEST = "best"

_STEP_FOLDER = re.compile(r"step_(\d{8,})")
_STEP_CHOICE = re.compile(r"step_(\d+)")


def resolve_model(path: Path, checkpoint: str = "best") -> Path:
    """The model folder that `path` and `checkpoint` mean.

    Args:
        path: a model folder, which is returned as it is, or a run folder.
        checkpoint: which model of a run: `best` (the newest as long as none was found best),
            `last`, or `step_N`.

    Raises:
        ModelFolderError: there is no such model; the message names those that are there.
    """
    if checkpoint not in (BEST, "last") and not _STEP_CHOICE.fullmatch(checkpoint):
        raise ModelFolderError(
            f"checkpoint {checkpoint!r} is none of: best, last, step_N (for instance step_1000)"
        )
    if not path.exists():
        raise ModelFolderError(f"{path}: there is no such run folder or model folder")
    if not path.is_dir():
        raise ModelFolderError(
            f"{path} is a file: give the run folder or model folder that it lies in, {path.parent}"
        )
    if (path / CARD).is_file():
        if checkpoint != BEST:
            raise ModelFolderError(
                f"{path} is a model folder, which holds one model: checkpoint {checkpoint} needs"
                " the run folder"
            )
        return path
    if (path / "state.json").is_file() and (path / WEIGHTS).is_file():
        raise ModelFolderError(
            f"{path} is a training checkpoint, which lacks the tokenizer: give the run folder"
        )
    if not (path / MODELS).is_dir():
        raise ModelFolderError(
            f"{path} is neither a model folder (no {CARD}) nor a run folder (no {MODELS})"
        )
    return _choose(path, checkpoint)


def _choose(run: Path, checkpoint: str) -> Path:
    steps = _models_by_step(run)
    best = run / BEST
    if checkpoint == BEST and best.is_symlink():
        # the folder that the link means now: the link may move while the model is read
        target = run / best.readlink()
        if not target.is_dir():
            raise ModelFolderError(f"{best} points to {best.readlink()}, which is not there")
        return target
    if checkpoint == BEST and best.is_dir():  # a copy of the run that followed links
        return best
    if not steps:
        raise ModelFolderError(
            f"{run} holds no model yet: the first one is written at the first validation"
        )
    if checkpoint in (BEST, "last"):
        return steps[max(steps)]
    wanted = int(checkpoint.removeprefix("step_"))
    if wanted not in steps:
        there = ", ".join(f"step_{step}" for step in sorted(steps))
        raise ModelFolderError(f"{run} has no model of step {wanted}: there are {there}")
    return steps[wanted]


def _models_by_step(run: Path) -> dict[int, Path]:
    """The run's models; temporary folders of a writer at work are none."""
    return {
        int(match[1]): path
        for path in (run / MODELS).iterdir()
        if (match := _STEP_FOLDER.fullmatch(path.name)) and path.is_dir()
    }
