"""The training loop: when to step, log, validate, save and stop. Reads top to bottom."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch

from mtcli.config.schema.regularization import amount_at
from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import Update
from mtcli.device.memory import memory_errors
from mtcli.errors import DivergedError
from mtcli.model.seq2seq import PassSettings
from mtcli.runs.lock import check_in_place
from mtcli.training.budget import BudgetFit
from mtcli.training.divergence import refuse_updates, roll_back
from mtcli.training.loop_parts import LoopParts
from mtcli.training.outcome import Outcome
from mtcli.training.rates import multiplier_at
from mtcli.training.readings import Readings
from mtcli.training.reporting import Report, report_steps
from mtcli.training.run_length import STEPS_TO_MEASURE
from mtcli.training.step import LESS_MEMORY, StepStats, train_step
from mtcli.training.tensors import to_tensors
from mtcli.training.updates import open_stream
from mtcli.training.validate_and_save import save, save_stop, validate


def run_loop(parts: LoopParts, listening: ExitStack) -> Outcome:
    """Train until a stop condition, a signal or the end of the time budget.

    Args:
        parts: what trains.
        listening: gets the context in which a signal is a request to save and stop. The caller
            closes it when all is saved and said, because a signal would spoil that.

    Raises:
        DivergedError: the loss became NaN or infinite, and the config wants no rollback, or there
            were enough; the last checkpoint is intact.
        RunFolderError: the disk is full, or the run folder was moved or removed; earlier
            checkpoints are intact.
    """
    if not parts.config.training.compile:
        listening.enter_context(parts.stop.listening())
    budget_fit = BudgetFit(parts, STEPS_TO_MEASURE)
    parts.clock.start()
    while True:
        try:
            return _train(parts, budget_fit, listening)
        except DivergedError as error:
            roll_back(parts, error)
            budget_fit.rolled_back()


def _train(parts: LoopParts, budget_fit: BudgetFit, listening: ExitStack) -> Outcome:
    """Train from where the state is, until the run ends or diverges."""
    config, progress, world = parts.config, parts.state.progress, parts.world
    saved_at, has_compiled = progress.step, False
    parts.model.trained.train()

    with open_stream(config, parts.corpus, world, progress.epoch, progress.update) as stream:
        report, readings = Report(stream), Readings(parts)
        parts.observers.entered("training")
        for update in stream:
            # 1. Count over all processes, and ask whether one of them is to stop.
            wants_stop = parts.stop.reason(reserve_s=budget_fit.reserve_s) is not None
            num_tokens, num_cells, num_stops = _count(update, parts, wants_stop=wants_stop)
            if num_stops:
                break
            # 2. Update the model, and count the update.
            stats = _make_update(parts, update, num_tokens)
            if config.training.compile and not has_compiled:
                # Compiling takes minutes, in which a signal ends the process: nothing is lost.
                has_compiled = True
                listening.enter_context(parts.stop.listening())
            report.add(stats.loss_sum, num_tokens, num_cells)
            budget_fit.stepped()
            if world.is_main:
                parts.observers.stepped(progress.step, progress.total_steps)
                _read(parts, readings, update, stats, num_tokens)
            # 3. Report, validate and save, where that is due.
            due = _what_is_due(parts, update)
            if due.report:
                if world.is_main:
                    check_in_place(parts.run.path)
                report_steps(parts, report, stats.grad_norm.item())
                refuse_updates(parts, report, stats.grad_norm.item())
                report = Report(stream)
            if due.validation:
                before_s = parts.stop.spent_s
                validate(parts, update)
                budget_fit.validated(parts.stop.spent_s - before_s, is_last=due.is_last)
            if due.save:
                save(parts)
                saved_at = progress.step
            if due.validation:
                report.start_clock()
                readings.start_clock()
                if outcome := _end(parts, is_last=due.is_last):
                    return outcome
        else:
            return Outcome(True, f"reached the end of epoch {progress.epoch}, the last one")
    # 4. Stopped: save what is not saved yet.
    reason = world.broadcast_object(parts.stop.reason(reserve_s=budget_fit.reserve_s))
    reason = reason or "another process was asked to stop"
    if saved_at != progress.step:
        # who sends a signal may not wait for a validation
        save_stop(parts, validates=not reason.startswith("signal"))
    return Outcome(False, f"{reason}; stopped at step {progress.step}, saved and resumable")


def _count(update: Update, parts: LoopParts, *, wants_stop: bool) -> list[int]:
    """Target tokens and padded cells of an update, and how many processes want to stop."""
    batches = update.micro_batches
    return parts.world.sum(
        [
            sum(b.num_tgt_tokens for b in batches),
            sum(max(b.src_ids.size, b.tgt_in_ids.size) for b in batches),
            int(wants_stop),
        ]
    )


def _make_update(parts: LoopParts, update: Update, num_tokens: int) -> StepStats:
    """Update the model, its average and the progress."""
    config, progress, device = parts.config, parts.state.progress, parts.numerics.device
    step = progress.step + 1
    multiplier = multiplier_at(config.schedule, step, progress, parts.state.plateau)
    parts.step_parts.optimizers.set_lr(multiplier)
    seed_update(config.seed, step, parts.world.rank)
    tensors = [to_tensors(batch, device) for batch in update.micro_batches]
    settings = pass_settings(config, update.epochs)
    with memory_errors(device, f"update {step}", LESS_MEMORY):
        stats = train_step(parts.step_parts, tensors, num_tokens, settings)
    if parts.model.average is not None:
        parts.model.average.update(parts.model.trained)

    progress.step = step
    progress.epoch = update.epoch + 1 if update.is_last else update.epoch
    progress.update = 0 if update.is_last else update.index + 1
    progress.total_tgt_tokens += num_tokens
    progress.total_tgt_tokens_computed += num_tokens * settings.num_passes
    progress.elapsed_s = parts.clock.elapsed_s()
    return stats


def _read(
    parts: LoopParts, readings: Readings, update: Update, stats: StepStats, num_tokens: int
) -> None:
    """Let displays see the figures of the update, if they are due."""
    settings = pass_settings(parts.config, update.epochs)
    readings.updated(
        stats,
        num_tokens,
        sum(batch.num_tgt_tokens for batch in update.micro_batches),
        is_smoothed=parts.step_parts.label_smoothing > 0 or settings.rdrop_alpha > 0,
    )


@dataclass(frozen=True)
class _Due:
    """What an update is followed by."""

    report: bool
    validation: bool
    save: bool
    is_last: bool


def _what_is_due(parts: LoopParts, update: Update) -> _Due:
    """What the config asks for after the update that was just made."""
    config, progress = parts.config, parts.state.progress
    total, step = progress.total_steps, progress.step
    is_last_epoch = config.training.max_epochs == progress.epoch
    is_last = (total is not None and step >= total) or (is_last_epoch and update.is_last)
    validate_every, save_every = config.validation.every_steps, config.checkpoints.every_steps
    is_regular = update.is_last if validate_every is None else step % validate_every == 0
    validation = is_last or is_regular
    saving = validation or (save_every is not None and step % save_every == 0)
    report = saving or step % config.training.log_every_steps == 0
    return _Due(report, validation, saving, is_last)


def _end(parts: LoopParts, *, is_last: bool) -> Outcome | None:
    """How the run has ended after a validation; None if it has not."""
    best, step = parts.state.best, parts.state.progress.step
    if is_last:
        return Outcome(True, f"reached step {step}, the last one")
    if best.is_exhausted(parts.config.validation.patience):
        return Outcome(True, f"no better {best.metric} in {best.num_worse} validations")
    return None


def pass_settings(config: TrainConfig, epochs: float) -> PassSettings:
    """What the model does beyond dropout, after so many epochs."""
    return PassSettings(
        rdrop_alpha=amount_at(config.regularization.rdrop, epochs),
        layer_dropout=amount_at(config.regularization.layer_dropout, epochs),
        recompute=config.training.activation_checkpointing == "layers",
    )


def seed_update(seed: int, step: int, rank: int) -> None:
    """Make the randomness of an update (dropout) a function of (seed, step, rank) alone.

    So a checkpoint holds no generator states, and nothing that draws random numbers in between, a
    validation say, can change the training.
    """
    torch.manual_seed(int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0]))
