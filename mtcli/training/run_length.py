"""How long a run is: which step is the last one, and what decides that."""

from __future__ import annotations

from mtcli.config.schema.root import TrainConfig
from mtcli.data.plan import Plan
from mtcli.errors import ConfigError
from mtcli.training.loop_parts import LoopParts
from mtcli.training.outcome import Outcome
from mtcli.training.progress import Progress
from mtcli.training.schedule import fits_budget, needs_total_steps

STEPS_TO_MEASURE = 100
"""Steps whose throughput fixes the length of a schedule with `fit: budget`."""


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


def find_step_limit(config: TrainConfig, plan: Plan) -> int | None:
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


def long_warmup(config: TrainConfig, total_steps: int | None) -> str | None:
    """A warning if the learning rate never reaches its peak."""
    steps = config.schedule.warmup_steps
    if total_steps is None or steps < total_steps:
        return None
    return (
        f"the learning rate rises until step {steps} (schedule.warmup_steps), and the run ends at"
        f" step {total_steps}: it never reaches its peak"
    )


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
