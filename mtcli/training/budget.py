"""Fit the schedule of an invocation to its time budget, by the throughput that shows."""

from __future__ import annotations

import logging

from mtcli.config.schema.optimization import WsdConfig
from mtcli.training.loop_parts import LoopParts
from mtcli.training.run_length import (
    STEPS_TO_SHORTEN,
    check_warmup_in_budget,
    fitting_warmup,
)
from mtcli.training.schedule import fits_budget

logger = logging.getLogger(__name__)

_RESERVE = 1.5
"""Time that is kept of a budget for the end, in multiples of the last validation."""
_SHARE_FOR_STEPS = 0.92
"""Share of a time budget that goes into updates; the rest is for validating and saving."""
_SHARE_OF_THE_REST = 0.98
"""The same once validations are part of the throughput."""


class BudgetFit:
    """What the throughput of this invocation means for the schedule.

    Args:
        parts: of the run, at the first step of this invocation.
        steps_to_measure: steps whose throughput fixes the length of a schedule.
    """

    def __init__(self, parts: LoopParts, steps_to_measure: int) -> None:
        self._parts, self._steps_to_measure = parts, steps_to_measure
        self._first_step = parts.state.progress.step
        self._started_s = parts.stop.spent_s
        self._has_measured = False
        self._validated_at = (self._first_step, self._started_s)
        self._validation_s = 0.0

    @property
    def reserve_s(self) -> float:
        """Time to keep of the budget for validating and saving at its end."""
        return _RESERVE * self._validation_s

    def rolled_back(self) -> None:
        """After a return to an earlier step: measure from there."""
        self._first_step, self._started_s = (
            self._parts.state.progress.step,
            self._parts.stop.spent_s,
        )
        self._validated_at = (self._first_step, self._started_s)

    def stepped(self) -> None:
        """After a step: shorten the warm-up, fix the last step, or refuse the warm-up, when due.

        Raises:
            ConfigError: the warm-up is longer than the budget, and may not be shortened.
        """
        if self._parts.stop.budget_s is None:
            return
        config, progress = self._parts.config, self._parts.state.progress
        num_steps = progress.step - self._first_step
        is_new = self._first_step == 0
        if is_new and num_steps == STEPS_TO_SHORTEN:
            self._shorten_warmup()
        if fits_budget(config.schedule) and progress.total_steps is None:
            if num_steps >= self._steps_to_measure:
                self._fix_last_step(_SHARE_FOR_STEPS)
                logger.info(
                    "the time budget allows %d steps: the schedule ends there", progress.total_steps
                )
                self._has_measured = True
                if is_new and progress.warmup_steps is None and progress.total_steps is not None:
                    check_warmup_in_budget(config, progress.total_steps)
        elif is_new and num_steps == self._steps_to_measure and progress.warmup_steps is None:
            check_warmup_in_budget(config, self._steps_in_budget(_SHARE_FOR_STEPS))

    def validated(self, validation_s: float, *, is_last: bool) -> None:
        """After a validation: follow the throughput, which other work on the machine may change.

        Only of a schedule that waits at its peak and then falls: it has the same past whatever its
        length. A resumed run keeps the length that was found before.

        Args:
            validation_s: time that the validation took.
            is_last: whether the run ends with it.
        """
        self._validation_s = validation_s
        if is_last:
            return
        if self._has_measured and isinstance(self._parts.config.schedule, WsdConfig):
            self._fix_last_step(_SHARE_OF_THE_REST, reserve_s=self.reserve_s)
        self._validated_at = (self._parts.state.progress.step, self._parts.stop.spent_s)

    def _fix_last_step(self, share: float, reserve_s: float = 0.0) -> None:
        progress, limit = self._parts.state.progress, self._parts.step_limit
        total = self._steps_in_budget(share, reserve_s)
        progress.budget_steps = total
        progress.total_steps = total if limit is None else min(total, limit)

    def _shorten_warmup(self) -> None:
        config, progress, limit = (
            self._parts.config,
            self._parts.state.progress,
            self._parts.step_limit,
        )
        num_steps = self._steps_in_budget(_SHARE_FOR_STEPS)
        num_steps = num_steps if limit is None else min(num_steps, limit)
        progress.warmup_steps = fitting_warmup(config, num_steps)
        if progress.warmup_steps is not None:
            logger.info(
                "the learning rate rises until step %d instead of %d: a tenth of the %d steps that"
                " the time budget allows",
                progress.warmup_steps,
                config.schedule.warmup_steps,
                num_steps,
            )

    def _steps_in_budget(self, share: float, reserve_s: float = 0.0) -> int:
        """Number of the step that the budget ends with, the same on all processes."""
        parts, step = self._parts, self._parts.state.progress.step
        remaining_s = max(0.0, (parts.stop.remaining_s() or 0.0) - reserve_s)
        # the slower of all steps so far and those since the last validation: better too early
        step_s = max(
            (parts.stop.spent_s - since_s) / max(1, step - since)
            for since, since_s in ((self._first_step, self._started_s), self._validated_at)
        )
        return parts.world.broadcast_object(step + max(1, int(remaining_s * share / step_s)))
