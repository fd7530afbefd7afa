"""Which checkpoints and models of a run are kept, and which are removed or moved aside."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from mtcli.errors import RunFolderError
from mtcli.folders import remove_folder, why_refused
from mtcli.runs.folder import RunFolder
from mtcli.runs.metrics import cut_back_metrics
from mtcli.runs.names import files_among_steps


def prune(
    run: RunFolder, *, keep_last: int, keep_checkpoints: int, best_steps: Collection[int | None]
) -> None:
    """Remove old checkpoints and models; the models of `best_steps` stay whatever their age."""
    for step in run.checkpoint_steps()[:-keep_checkpoints]:
        remove_folder(run.checkpoint(step))
    for step in run.model_steps()[:-keep_last]:
        if step not in best_steps:
            remove_folder(run.model(step))


def keep_newest_stop(run: RunFolder) -> None:
    """Of what stops have saved, keep the newest checkpoint, the newest model and `best`."""
    stopped = run.stopped
    for step in stopped.checkpoint_steps()[:-1]:
        remove_folder(stopped.checkpoint(step))
    for step in stopped.model_steps()[:-1]:
        if run.best_model() != stopped.model(step):
            remove_folder(stopped.model(step))


def remove_stops(run: RunFolder) -> None:
    """Remove what stops have saved: the run has made a checkpoint of its own since."""
    if run.stopped.path.exists():
        remove_folder(run.stopped.path)


def cut_back(run: RunFolder, step: int, best_step: int | None) -> None:
    """Forget what came after the checkpoint of `step`, which the run resumes from.

    `best` may be a model that a stop saved, until the run comes further.

    Args:
        run: the run.
        step: its checkpoint must exist.
        best_step: step of the best model of the validations that the config asks for.
    """
    for later in run.checkpoint_steps():
        if later > step:
            remove_folder(run.checkpoint(later))
    for later in run.model_steps():
        if later > step:
            remove_folder(run.model(later))
    _cut_back_stops(run, step)
    best = run.best_model()
    if best is None or best.parent != run.stopped.models or not best.exists():
        run.point_best(None if best_step is None else run.model(best_step))
    run.point_last(run.all_checkpoints()[step])
    cut_back_metrics(run.metrics, step, best_step)


def _cut_back_stops(run: RunFolder, step: int) -> None:
    """Remove later stops, and those that a process killed while saving did not come to remove."""
    newest = max(run.checkpoint_steps(), default=0)
    stopped = run.stopped
    for other in stopped.checkpoint_steps():
        if not newest < other <= step:
            remove_folder(stopped.checkpoint(other))
    for other in stopped.model_steps():
        if not newest <= other <= step:
            remove_folder(stopped.model(other))


def set_aside_without_checkpoint(run: RunFolder) -> list[Path]:
    """Rename what a run left that was killed before its first checkpoint: models and metrics.

    Returns:
        The new names.
    """
    run.point_best(None)
    left = [run.models] if run.model_steps() else []
    left += [run.stopped.path] if run.stopped.model_steps() else []
    return [rename_aside(path) for path in (*left, run.metrics) if path.exists()]


def set_aside_files(run: RunFolder) -> list[Path]:
    """Rename files that have the names of folders that the run reads, and is to write.

    Returns:
        The new names.
    """
    renamed = []
    for saved in (run, run.stopped):
        places = (run.stopped.path, saved.checkpoints, saved.models)
        files = [path for path in places if os.path.lexists(path) and not path.is_dir()]
        files += [*files_among_steps(saved.checkpoints), *files_among_steps(saved.models)]
        renamed += [rename_aside(path) for path in files]
    return renamed


def forget_preparation(run: RunFolder, *, with_tokenizers: bool) -> None:
    """Remove what a run makes before its first checkpoint, except its log."""
    reports = (run.path / "tokenizer_report.json", run.path / "data_report.json")
    for path in (*reports, run.metrics):
        path.unlink(missing_ok=True)
    if with_tokenizers:
        shutil.rmtree(run.tokenizers, ignore_errors=True)


def rename_aside(path: Path) -> Path:
    """Rename to the first free `NAME.N`.

    Raises:
        RunFolderError: it cannot be renamed.
    """
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.{number}")):
        number += 1
    try:
        return path.rename(aside)
    except OSError as error:
        raise RunFolderError(f"cannot rename {path} to {aside}: {why_refused(aside, error)}") from error
