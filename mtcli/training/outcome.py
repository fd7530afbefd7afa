"""How an invocation of a run ended."""

from __future__ import annotations

from dataclasses import dataclass

from mtcli.training.observers.log_writer import describe_duration
from mtcli.training.state import RunState


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended."""

    is_finished: bool
    """False: stopped before the end, and resumable."""
    reason: str


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
