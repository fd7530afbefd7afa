"""Which model folder a path means: a model folder itself, or one of a run's."""

from __future__ import annotations

import re
from pathlib import Path

from mtcli.bundle.model_folder import CARD, WEIGHTS
from mtcli.errors import ModelFolderError
from mtcli.folders import follow_link
from mtcli.runs.folder import RunFolder

BEST = "best"

_STEP_CHOICE = re.compile(r"step_(\d+)")


def resolve_model(path: Path, checkpoint: str = "best") -> Path:
    """The model folder that `path` and `checkpoint` mean.

    Args:
        path: a model folder, which is returned as it is, or a run folder.
        checkpoint: which model of a run: `best` (the newest as long as none was found best),
            `last`, or `step_N`.

    Raises:
        ModelFolderError: there is no such model; the message names those that exist.
    """
    if checkpoint not in (BEST, "last") and not _STEP_CHOICE.fullmatch(checkpoint):
        raise ModelFolderError(
            f"`checkpoint` must be one of `best`, `last`, `step_N` (for example `step_1000`),"
            f" found `{checkpoint}`"
        )
    path = follow_link(path)
    if not path.exists():
        raise ModelFolderError(f"{path}: there is no such run folder or model folder")
    if not path.is_dir():
        raise ModelFolderError(
            f"{path} is a file, not a run folder or model folder",
            hint=f"give the folder that it is in, {path.parent}",
        )
    if (path / CARD).is_file():
        if checkpoint != BEST:
            raise ModelFolderError(
                f"{path} is a model folder, which has one model only: there is no checkpoint"
                f" `{checkpoint}`",
                hint="give the run folder",
            )
        return path
    if (path / "state.json").is_file() and (path / WEIGHTS).is_file():
        raise ModelFolderError(
            f"{path} is a training checkpoint, which has no tokenizer", hint="give the run folder"
        )
    run = RunFolder(path)
    if not (run.models.is_dir() or run.stopped.path.is_dir()):
        raise ModelFolderError(
            f"{path} is neither a model folder (no {CARD}) nor a run folder (no {run.models.name})"
        )
    return _choose(run, checkpoint)


def _choose(run: RunFolder, checkpoint: str) -> Path:
    models = run.all_models()
    if checkpoint == BEST:
        # the folder that the link means now: the link may move while the model is read
        best = run.best_model()
        if best is not None and not best.is_dir():
            target = best.relative_to(run.path) if best.is_relative_to(run.path) else best
            raise ModelFolderError(f"{run.best} points to {target}, which does not exist")
        if best is not None:
            return best
        if run.best.is_dir():  # a copy of the run that followed links
            return run.best
    if not models:
        raise ModelFolderError(
            f"{run.path} has no model yet",
            hint="wait for the first validation, which writes one",
        )
    if checkpoint in (BEST, "last"):
        return models[max(models)]
    wanted = int(checkpoint.removeprefix("step_"))
    if wanted not in models:
        names = ", ".join(f"step_{step}" for step in models)
        raise ModelFolderError(f"{run.path} has no model of step {wanted}; it has {names}")
    return models[wanted]
