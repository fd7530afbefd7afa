"""The training loop: when to step, log, validate, save and stop. Reads top to bottom."""

from __future__ import annotations

import logging
import math
import time

import numpy as np
import torch

from mtcli.config.schema.regularization import RegularizationConfig, amount_at
from mtcli.device.memory import memory_errors
from mtcli.errors import DivergedError
from mtcli.model.seq2seq import PassSettings
from mtcli.training.clock import Stopwatch
from mtcli.training.outcome import Outcome
from mtcli.training.parts import LoopParts
from mtcli.training.reporting import Report, report_steps
from mtcli.training.run_length import STEPS_TO_MEASURE
from mtcli.training.schedule import fits_budget, lr_multiplier
from mtcli.training.step import LESS_MEMORY, train_step
from mtcli.training.tensors import to_tensors
from mtcli.training.validate_and_save import Stopped, save, validate

logger = logging.getLogger(__name__)

_SHARE_FOR_STEPS = 0.92
"""Share of a time budget that goes into updates; the rest is for validating and saving."""
_SMALLEST_LOSS_SCALE = 2.0**-10


def run_loop(parts: LoopParts) -> Outcome:
    """Train until a stop condition, a signal or the end of the time budget.

    Raises:
        DivergedError: the loss became NaN or infinite; the last checkpoint is intact.
        RunFolderError: the disk is full or went away; earlier checkpoints are intact.
    """
    with parts.stop.listening():  # until all is saved, or a second signal would end that
        return _train(parts)


def _train(parts: LoopParts) -> Outcome:
    config, progress, world = parts.config, parts.progress, parts.step_parts.world
    watch = Stopwatch(progress.elapsed_s)
    first_step, invocation_started = progress.step, time.perf_counter()
    validated_at, saved_at, validation_s = None, progress.step, 0.0
    stop_votes = 0
    parts.trained.train()

    with parts.open_stream(progress.epoch, progress.update) as stream:
        report = Report(stream)
        for update in stream:
            batches = update.micro_batches
            num_tokens, num_cells, stop_votes = world.sum(
                [
                    sum(b.num_tgt_tokens for b in batches),
                    sum(max(b.src_ids.size, b.tgt_in_ids.size) for b in batches),
                    int(parts.stop.reason(reserve_s=1.5 * validation_s) is not None),
                ]
            )
            if stop_votes:
                break

            step = progress.step + 1
            parts.step_parts.optimizers.set_lr(lr_multiplier_now(parts, step))
            seed_update(config.seed, step, world.rank)
            tensors = [to_tensors(batch, parts.step_parts.numerics.device) for batch in batches]
            settings = pass_settings(config.regularization, update.epochs)
            with memory_errors(parts.step_parts.numerics.device, f"update {step}", LESS_MEMORY):
                stats = train_step(parts.step_parts, tensors, num_tokens, settings)
            if parts.average is not None:
                parts.average.update(parts.trained)

            is_epoch_end = update.is_last
            progress.step = step
            progress.epoch = update.epoch + 1 if is_epoch_end else update.epoch
            progress.update = 0 if is_epoch_end else update.index + 1
            progress.total_tgt_tokens += num_tokens
            progress.total_tgt_tokens_computed += num_tokens * settings.num_passes
            progress.elapsed_s = watch.elapsed_s()
            report.loss_sum = report.loss_sum.to(stats.loss_sum.device) + stats.loss_sum
            report.num_steps += 1
            report.num_tokens += num_tokens
            report.num_cells += num_cells
            if fits_budget(config.schedule) and progress.total_steps is None:
                fit_to_budget(parts, step - first_step, time.perf_counter() - invocation_started)
            if world.is_main:
                parts.observer.stepped(step, progress.total_steps)

            total = progress.total_steps
            is_last = (total is not None and step >= total) or (
                config.training.max_epochs == progress.epoch and is_epoch_end
            )
            every = config.validation.every_steps
            is_validation = is_last or (is_epoch_end if every is None else step % every == 0)
            save_every = config.checkpoints.every_steps
            is_save = is_validation or (save_every is not None and step % save_every == 0)
            if is_save or step % config.training.log_every_steps == 0:
                report_steps(parts, report, stats.grad_norm.item())
                refuse_divergence(parts, report, stats.grad_norm.item())
                report = Report(stream)
            if is_validation:
                validation_s = validate(parts)
                validated_at = step
            if is_save:
                save(parts)
                saved_at = step
            if is_validation:
                report.start_clock()
                if is_last:
                    return Outcome(True, f"reached step {step}, the last one")
                if parts.best.is_exhausted(config.validation.patience):
                    return Outcome(
                        True,
                        f"no better {parts.best.metric} in {parts.best.num_worse} validations",
                    )

    reason = world.broadcast_object(parts.stop.reason(reserve_s=1.5 * validation_s))
    if reason is None and not stop_votes:  # the stream ended: the last epoch was over already
        return Outcome(True, f"reached the end of epoch {progress.epoch}, the last one")
    reason = reason or "another process was asked to stop"
    if saved_at != progress.step:
        stopped = Stopped.before_validation(parts)
        is_budget = not reason.startswith("signal")
        if is_budget and validated_at != progress.step:
            validate(parts, is_stop=True)
        save(parts, stopped)
    return Outcome(False, f"{reason}; stopped at step {progress.step}, saved and resumable")


def lr_multiplier_now(parts: LoopParts, step: int) -> float:
    """The schedule's value for the update that is about to be made."""
    schedule = parts.config.schedule
    if parts.progress.total_steps is None and fits_budget(schedule):
        # The length is not known yet: warm up, then wait at the peak.
        return min(1.0, step / max(1, schedule.warmup_steps))
    return lr_multiplier(schedule, step, parts.progress.total_steps, parts.plateau.ratio)


def pass_settings(config: RegularizationConfig, epochs: float) -> PassSettings:
    """What the model does beyond dropout, after so many epochs."""
    return PassSettings(
        rdrop_alpha=amount_at(config.rdrop, epochs),
        layer_dropout=amount_at(config.layer_dropout, epochs),
    )


def seed_update(seed: int, step: int, rank: int) -> None:
    """Make the randomness of an update (dropout) a function of (seed, step, rank) alone.

    So a checkpoint holds no generator states, and nothing that draws random numbers in between, a
    validation say, can change the training.
    """
    torch.manual_seed(int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0]))


def fit_to_budget(parts: LoopParts, num_steps: int, elapsed_s: float) -> None:
    """Fix the number of steps once the first ones have shown how fast they go."""
    remaining_s = parts.stop.remaining_s()
    if num_steps < STEPS_TO_MEASURE or remaining_s is None:
        return
    more = max(0.0, remaining_s) * _SHARE_FOR_STEPS / (elapsed_s / num_steps)
    total = parts.step_parts.world.broadcast_object(parts.progress.step + max(1, int(more)))
    parts.progress.budget_steps = total
    limit = parts.step_limit
    parts.progress.total_steps = total if limit is None else min(total, limit)
    logger.info(
        "the time budget allows %d steps: the schedule ends there", parts.progress.total_steps
    )


def refuse_divergence(parts: LoopParts, report: Report, grad_norm: float) -> None:
    """Stop when the loss or the gradient is no number.

    Raises:
        DivergedError: it is not. In fp16 an infinite gradient alone is no reason: the scaler skips
            that update; but a loss scale that has sunk to nothing is.
    """
    scaler, world = parts.step_parts.scaler, parts.step_parts.world
    is_bad = not math.isfinite(report.loss_sum.item())
    if scaler.is_enabled():
        is_bad = is_bad or scaler.get_scale() < _SMALLEST_LOSS_SCALE
    else:
        is_bad = is_bad or not math.isfinite(grad_norm)
    if world.sum([int(is_bad)])[0]:
        last = parts.run.checkpoint_steps()[-1:]
        where = f"the checkpoint of step {last[0]} is intact" if last else "there is no checkpoint"
        raise DivergedError(
            f"the loss or its gradient is not a finite number at step {parts.progress.step};"
            f" {where}. A lower optim.lr, more schedule.warmup_steps or precision fp32 may help"
        )
