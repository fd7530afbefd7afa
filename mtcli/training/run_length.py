"""How long a run is: which step is the last one, and what decides that."""

from __future__ import annotations

import logging

from mtcli.config.schema.root import TrainConfig
from mtcli.data.document_plan import DocumentPlan
from mtcli.data.plan import Plan
from mtcli.errors import ConfigError
from mtcli.training.loop_parts import LoopParts
from mtcli.training.outcome import Outcome
from mtcli.training.progress import Progress
from mtcli.training.schedule import fits_budget, needs_total_steps

logger = logging.getLogger(__name__)

STEPS_TO_MEASURE = 100
"""Steps whose throughput fixes the length of a schedule with `fit: budget`."""
STEPS_TO_SHORTEN = 10
"""Steps whose throughput says whether a warm-up has to be shortened: it must be known early."""
SMOKE_STEPS = 5
"""A run of so few steps is not meant to learn."""
_LONG_WARMUP = 0.2
"""Share of the run above which a warm-up is worth a warning."""


def check_length(config: TrainConfig, budget_s: float | None) -> None:
    """Refuse a schedule that needs to know the last step if nothing decides it.

    Raises:
        ConfigError: nothing decides it.
    """
    training = config.training
    if fits_budget(config.schedule):
        if budget_s is None and training.max_steps is None and training.max_epochs is None:
            raise ConfigError(
                "`schedule.fit: budget` finds the last step from the time available, but"
                " there is no `--budget`",
                hint="give `--budget`, for example `--budget 30m`",
            )
    elif needs_total_steps(config.schedule) and not (training.max_steps or training.max_epochs):
        raise ConfigError(
            f"`schedule.kind: {config.schedule.kind}` falls until the last step, but nothing says"
            " which step that is",
            hint="set `training.max_steps` or `training.max_epochs`, or `schedule.fit: budget`",
        )


def has_end(config: TrainConfig, budget_s: float | None) -> bool:
    """Whether anything other than a signal will end the run."""
    training, patience = config.training, config.validation.patience
    ends = (training.max_steps, training.max_epochs, patience, budget_s)
    return any(end is not None for end in ends)


def find_step_limit(config: TrainConfig, plan: Plan | DocumentPlan) -> int | None:
    """Number of the last step that the config allows; None when it allows any."""
    steps, epochs = config.training.max_steps, config.training.max_epochs
    if epochs is not None:
        of_epochs = sum(plan.num_updates(epoch) for epoch in range(epochs))
        steps = of_epochs if steps is None else min(steps, of_epochs)
    return steps


def find_total_steps(
    config: TrainConfig, progress: Progress, limit: int | None, budget_s: float | None
) -> int | None:
    """Number of the last step, as far as it is known when an invocation begins.

    With `schedule.fit: budget` it is what an earlier invocation found; else it is found on the way,
    unless there is no budget, or the limit comes before enough steps are measured.
    """
    if not fits_budget(config.schedule):
        return limit
    if progress.budget_steps is not None:
        return progress.budget_steps if limit is None else min(progress.budget_steps, limit)
    is_soon = limit is not None and limit - progress.step <= STEPS_TO_MEASURE
    return limit if budget_s is None or is_soon else None


def check_warmup(config: TrainConfig, total_steps: int | None, budget_s: float | None) -> None:
    """Refuse a run that ends before its warm-up does.

    A few steps, which only show that all works, are no run. With a budget, a schedule that has a
    `max_warmup_ratio` is made to fit on the way.

    Args:
        config: of the run.
        total_steps: number of the last step, as far as it is known.
        budget_s: seconds of this invocation.

    Raises:
        ConfigError: the learning rate would never reach its peak.
    """
    warmup = config.schedule.warmup_steps
    is_fitted = config.schedule.max_warmup_ratio is not None and budget_s is not None
    if total_steps is not None and not is_fitted and warmup >= total_steps > SMOKE_STEPS:
        raise ConfigError(
            f"the learning rate rises until step {warmup} (`schedule.warmup_steps`), but the run"
            f" ends at step {total_steps}, before that",
            hint=f"set `schedule.warmup_steps` to {total_steps // 10 or 1}, a tenth of the run, or"
            " train longer",
        )


def check_warmup_of(parts: LoopParts) -> None:
    """Refuse or warn of a warm-up that is long for the run, now that epochs are steps as well.

    Raises:
        ConfigError: as `check_warmup`.
    """
    config, progress, budget_s = parts.config, parts.state.progress, parts.stop.budget_s
    if progress.warmup_steps is not None or progress.step >= config.schedule.warmup_steps:
        return
    check_warmup(config, progress.total_steps, budget_s)
    warning = long_warmup(config, progress.total_steps)
    if warning and parts.world.is_main and budget_s is None:
        logger.warning(warning)


def check_warmup_in_budget(config: TrainConfig, num_steps: int) -> None:
    """Refuse a warm-up that a budget cuts off, and warn of a long one.

    Args:
        config: of the run.
        num_steps: steps that the budget allows, at the throughput of the first ones.

    Raises:
        ConfigError: the learning rate would never reach its peak.
    """
    warmup = config.schedule.warmup_steps
    if warmup >= num_steps:
        raise ConfigError(
            f"the learning rate rises until step {warmup} (`schedule.warmup_steps`), but the time"
            f" budget allows about {num_steps} steps",
            hint=f"set `schedule.warmup_steps` to {num_steps // 10 or 1}, a tenth of that, or give"
            " a longer `--budget`",
        )
    if warning := long_warmup(config, num_steps):
        logger.warning(warning)


def long_warmup(config: TrainConfig, total_steps: int | None) -> str | None:
    """A warning if the warm-up is more than a fifth of the run."""
    warmup = config.schedule.warmup_steps
    if total_steps is None or total_steps <= SMOKE_STEPS or warmup <= _LONG_WARMUP * total_steps:
        return None
    return (
        f"the learning rate rises until step {warmup} of {total_steps} (schedule.warmup_steps),"
        f" {warmup / total_steps:.0%} of the run; a tenth is enough"
    )


def fitting_warmup(config: TrainConfig, num_steps: int) -> int | None:
    """Steps of the warm-up if it is to be shortened for a run of `num_steps`; None if it is not."""
    schedule = config.schedule
    if schedule.max_warmup_ratio is None:
        return None
    longest = max(1, int(schedule.max_warmup_ratio * num_steps))
    return longest if longest < schedule.warmup_steps else None


def already_finished(parts: LoopParts) -> Outcome | None:
    """The outcome if there is nothing left to do."""
    progress, total = parts.state.progress, parts.state.progress.total_steps
    if progress.step and total is not None and progress.step >= total:
        return Outcome(
            True, f"already at step {progress.step} of {total}; {_how_to_continue(parts)}"
        )
    if parts.state.best.is_exhausted(parts.config.validation.patience):
        return Outcome(
            True,
            f"already ended at step {progress.step} without a better {parts.state.best.metric};"
            " raise validation.patience to continue",
        )
    return None


def _how_to_continue(parts: LoopParts) -> str:
    training, limit = parts.config.training, parts.step_limit
    if limit is None or limit > parts.state.progress.step:
        return (
            "--budget fixed that number once (schedule.fit: budget); set schedule.fit: steps and"
            " a larger training.max_steps to continue"
        )
    if training.max_steps != limit:
        return "raise training.max_epochs to continue"
    if training.max_epochs is None:
        return "raise training.max_steps to continue"
    return "raise training.max_steps to continue, and training.max_epochs, which ends there too"
