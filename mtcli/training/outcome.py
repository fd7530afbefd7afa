"""How an invocation of a run ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mtcli.bundle.card import ModelScore
from mtcli.bundle.model_folder import read_model
from mtcli.runs.folder import RunFolder
from mtcli.runs.resolve import resolve_model
from mtcli.system.durations import describe_duration
from mtcli.training.state import RunState


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended."""

    is_finished: bool
    """False: stopped before the end, and resumable."""
    reason: str
    """Why it ended, as the log says it."""
    run_dir: Path = Path()
    """The run folder."""
    model: Path | None = None
    """Folder of the best model, or of the newest while none was scored; None if there is none
    yet."""
    scores: tuple[ModelScore, ...] = ()
    """What the validation of `model` measured."""


def with_model(outcome: Outcome, run: RunFolder) -> Outcome:
    """Add the run folder, its best model and the scores of that.

    Raises:
        ModelFolderError: the best model is damaged.
    """
    if not run.all_models():
        return replace(outcome, run_dir=run.path)
    model = resolve_model(run.path)
    scores = read_model(model, check_weights=False).scores
    return replace(outcome, run_dir=run.path, model=model, scores=scores)


def describe_end(outcome: Outcome, state: RunState) -> str:
    """The last line of the log."""
    progress, best = state.progress, state.best
    score = (
        "" if best.score is None else f"; best {best.metric} {best.score:.2f} at step {best.step}"
    )
    return (
        f"{outcome.reason}: {progress.step} steps, {progress.total_tgt_tokens} target tokens in"
        f" {describe_duration(progress.elapsed_s)}{score}"
    )
