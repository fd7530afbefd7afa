"""The learning rates of a run, and a sentence where resuming it changes them at once."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import NoneType
from typing import Any

from mtcli.config.schema.optimization import Schedule
from mtcli.training.optim import Optimizers
from mtcli.training.progress import Progress
from mtcli.training.saved_values import saved_value
from mtcli.training.schedule import PlateauState, fits_budget, lr_multiplier

_LAST, _NEXT, _PEAKS, _SCHEDULE, _TOTAL = "last", "next", "peaks", "schedule", "total_steps"

_SMALLEST_JUMP = 0.01
"""As a share of the rate; less is not worth a warning."""


def multiplier_at(
    schedule: Schedule, step: int, progress: Progress, plateau: PlateauState
) -> float:
    """What the peak learning rate is multiplied by for the update `step`.

    It is the schedule's value, its warm-up as a budget has shortened it, lowered as often as the
    run was rolled back.
    """
    return progress.lr_ratio * _of_schedule(schedule, step, progress, plateau)


def _of_schedule(schedule: Schedule, step: int, progress: Progress, plateau: PlateauState) -> float:
    if progress.warmup_steps is not None:
        schedule = replace(schedule, warmup_steps=progress.warmup_steps)
    if progress.total_steps is None and fits_budget(schedule):
        # The length is not known yet: warm up, then wait at the peak.
        return min(1.0, step / max(1, schedule.warmup_steps))
    return lr_multiplier(schedule, step, progress.total_steps, plateau.ratio)


class Rates:
    """The learning rates around a checkpoint, to be compared with those of the run that resumes.

    Args:
        optimizers: they hold the rates of the last update.
        schedule: of the config.
        progress: of the run.
        plateau: of the run.
    """

    def __init__(
        self,
        optimizers: Optimizers,
        schedule: Schedule,
        progress: Progress,
        plateau: PlateauState,
    ) -> None:
        self._optimizers, self._schedule = optimizers, schedule
        self._progress, self._plateau = progress, plateau
        self._before: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Rates of the last update and of the next one by group, and what they follow from."""
        return {
            _LAST: self._optimizers.rates(),
            _NEXT: self._next_rates(),
            _PEAKS: self._optimizers.rates_at(1.0),
            _SCHEDULE: asdict(self._schedule),
            _TOTAL: self._progress.total_steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Remember the rates of a checkpoint; those of the run are those of its config.

        Raises:
            CheckpointError: a value is missing, or of another type.
        """
        for key in (_LAST, _NEXT, _PEAKS):
            rates = saved_value(state, key, dict)
            for group in rates:
                saved_value(rates, group, float)
        saved_value(state, _SCHEDULE, dict)
        saved_value(state, _TOTAL, int, NoneType)
        self._before = state

    def jump(self) -> str | None:
        """A warning if the next update has another rate than it would have had before.

        Ask when the last step of the run is known. None without a checkpoint.
        """
        before = self._before
        if before is None:
            return None
        step = self._progress.step
        for group, rate in self._next_rates().items():
            planned, last = before[_NEXT].get(group, rate), before[_LAST].get(group, rate)
            if abs(rate - planned) > _SMALLEST_JUMP * max(rate, planned):
                verb = "jumps" if rate > last else "falls"
                return (
                    f"the learning rate {verb} from {last:.3g} at step {step} to {rate:.3g} at step"
                    f" {step + 1}, because {self._why(before)}"
                )
        return None

    def _next_rates(self) -> dict[str, float]:
        next_step = self._progress.step + 1
        multiplier = multiplier_at(self._schedule, next_step, self._progress, self._plateau)
        return self._optimizers.rates_at(multiplier)

    def _why(self, before: dict[str, Any]) -> str:
        """What changed, with the old and the new value."""
        schedule = asdict(self._schedule)
        values = [
            (f"`schedule.{key}`", before[_SCHEDULE].get(key), schedule.get(key))
            for key in {**before[_SCHEDULE], **schedule}
        ]
        values += [
            (f"the peak rate of {group}", before[_PEAKS].get(group), peak)
            for group, peak in self._optimizers.rates_at(1.0).items()
        ]
        values.append(("the last step", before[_TOTAL], self._progress.total_steps))
        changes = [
            f"{name} was {'unknown' if old is None else old} and is"
            f" {'unknown' if new is None else new} now"
            for name, old, new in values
            if old != new
        ]
        return "; ".join(changes) or "the schedule changed"
