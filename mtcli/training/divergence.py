"""Notice that a run has diverged, save nothing of it, and return to a checkpoint if that is wanted.

Losses and gradients are looked at where they are reported, weights and the state of the optimizer
before they are validated or saved: an update never waits for the device.
"""

from __future__ import annotations

import logging
import math

from torch import Tensor

from mtcli.errors import DivergedError
from mtcli.training.averaging import named_weights
from mtcli.training.checkpoint import newest_intact
from mtcli.training.finite import first_not_finite
from mtcli.training.loop_parts import LoopParts
from mtcli.training.reporting import Report
from mtcli.training.resuming import return_to_newest

logger = logging.getLogger(__name__)

_SMALLEST_LOSS_SCALE = 2.0**-10
_HINT = (
    "try a lower `optim.lr`, more `schedule.warmup_steps`, `training.precision: fp32`, or"
    " `training.on_divergence.action: rollback`"
)


def refuse_updates(parts: LoopParts, report: Report, grad_norm: float) -> None:
    """Stop if the loss or the gradient since the last report is not a finite number. Collective.

    Raises:
        DivergedError: it is not. In fp16 an infinite gradient alone is no reason: the scaler skips
            that update; but a loss scale that has fallen to almost nothing is.
    """
    scaler = parts.step_parts.scaler
    is_bad = not math.isfinite(report.loss_sum.item())
    if scaler.is_enabled():
        is_bad = is_bad or scaler.get_scale() < _SMALLEST_LOSS_SCALE
    else:
        is_bad = is_bad or not math.isfinite(grad_norm)
    if parts.world.sum([int(is_bad)])[0]:
        raise diverged(parts, "the loss or its gradient is not a finite number")


def refuse_weights(parts: LoopParts) -> None:
    """Stop if a weight is not a finite number, before it is validated. Collective.

    Raises:
        DivergedError: one is not: the update that overflowed had a finite loss and gradient.
    """
    _refuse(parts, first_not_finite(named_weights(parts.model.trained)))


def refuse_state(parts: LoopParts) -> None:
    """Stop if anything that a checkpoint holds is not a finite number. Collective.

    Raises:
        DivergedError: something is not.
    """
    name = None
    for part in parts.state.parts.values():
        state = part.state_dict()
        tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
        name = name or first_not_finite(tensors)
    _refuse(parts, name)


def _refuse(parts: LoopParts, name: str | None) -> None:
    """Stop, on all processes, if one of them found a tensor that is not finite."""
    found = next((other for other in parts.world.gather_objects(name) if other), None)
    if found is not None:
        raise diverged(parts, f"`{found}` is no longer finite")


def diverged(parts: LoopParts, what: str) -> DivergedError:
    """The error of a run that has diverged. Collective.

    Args:
        parts: of the run.
        what: what is not a finite number, as the sentence begins.
    """
    step = newest_intact(parts.run) if parts.world.is_main else None
    step = parts.world.broadcast_object(step)
    where = "no checkpoint exists" if step is None else f"the checkpoint of step {step} is intact"
    return DivergedError(f"{what} at step {parts.state.progress.step}; {where}", hint=_HINT)


def roll_back(parts: LoopParts, error: DivergedError) -> None:
    """Return to the newest checkpoint with a lower learning rate, if asked for. Collective.

    A run that is killed before its next checkpoint diverges again when it resumes, and rolls back
    again: an update is a function of the checkpoint, so it becomes what it would have become. For
    the same reason it returns to what a stop has saved only if it has nothing else.

    Args:
        parts: of the run, whose state changes.
        error: why.

    Raises:
        DivergedError: `error`, where the config says that the run stops, it was rolled back often
            enough, or there is no checkpoint.
    """
    settings, progress = parts.config.training.on_divergence, parts.state.progress
    if settings.action == "stop":
        raise error
    number, at_step = progress.num_rollbacks + 1, progress.step
    if number > settings.max_times:
        times = "once" if settings.max_times == 1 else f"{settings.max_times} times"
        raise DivergedError(
            f"{error.sentence}; the run was rolled back {times} before"
            " (`training.on_divergence.max_times`)",
            hint=_HINT,
        ) from error
    lr_ratio = progress.lr_ratio * settings.lr_factor
    # the length that a budget allows is known from the invocation, not from the checkpoint
    length = progress.total_steps, progress.budget_steps, progress.warmup_steps
    step = return_to_newest(parts.run, parts.state, parts.world, prefers_own=True)
    if step is None:
        raise DivergedError(
            error.sentence, hint="set `checkpoints.every_steps`, to have one to roll back to"
        ) from error
    progress.num_rollbacks, progress.lr_ratio = number, lr_ratio
    progress.total_steps, progress.budget_steps, progress.warmup_steps = length
    if parts.world.is_main:
        logger.warning(
            "%s: rolled back from step %d to step %d (%d of at most %d times); the learning rate"
            " is %g of the schedule's from here",
            error.sentence,
            at_step,
            step,
            number,
            settings.max_times,
            lr_ratio,
        )
    parts.observers.entered("training")
