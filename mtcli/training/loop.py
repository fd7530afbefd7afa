"""The training loop: when to step, log, validate, save and stop. Reads top to bottom."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch

from mtcli.config.schema import TrainConfig
from mtcli.data.batches import Update
from mtcli.data.prefetch import Prefetch
from mtcli.errors import DivergedError
from mtcli.model.seq2seq import Seq2Seq
from mtcli.training.averaging import (
    ExponentialAverage,
    holding_weights,
    mean_weights,
    named_weights,
)
from mtcli.training.checkpoint import Checkpoint, read_weights, write_checkpoint
from mtcli.training.early_stopping import BestScore
from mtcli.training.progress import (
    MetricsFile,
    Observer,
    StepMetrics,
    Stopwatch,
    ValidationMetrics,
    describe_duration,
    describe_step,
    describe_validation,
)
from mtcli.training.run_folder import RunFolder
from mtcli.training.schedule import PlateauState, fits_budget, lr_multiplier
from mtcli.training.step import StepParts, train_step
from mtcli.training.stopping import StopRequest
from mtcli.training.tensors import to_tensors
from mtcli.training.validation import ValidationResult, Validator

logger = logging.getLogger(__name__)

STEPS_TO_MEASURE = 100
"""Steps whose throughput fixes the length of a schedule with `fit: budget`."""
_SHARE_FOR_STEPS = 0.92
"""Share of a time budget that goes into updates; the rest is for validating and saving."""
_SMALLEST_LOSS_SCALE = 2.0**-10


@dataclass
class Progress:
    """How far a run has come. Saved in every checkpoint."""

    step: int = 0
    """Updates made."""
    epoch: int = 0
    """Epoch of the next update, from 0."""
    update: int = 0
    """Index of the next update within its epoch."""
    total_tgt_tokens: int = 0
    total_steps: int | None = None
    """Number of the last step, once it is known."""
    elapsed_s: float = 0.0


@dataclass
class LoopParts:
    """What the loop works on. `progress`, `best`, `plateau`, the weights, the optimizers, the
    average and the loss scaler are all that changes, and all that a checkpoint holds.
    """

    config: TrainConfig
    run: RunFolder
    model: Seq2Seq
    step_parts: StepParts
    average: ExponentialAverage | None
    validator: Validator
    progress: Progress
    best: BestScore
    plateau: PlateauState
    open_stream: Callable[[int, int], Prefetch[Update]]
    """(epoch, update) -> the updates from there on, ending with the last epoch."""
    save_model: Callable[[int, ValidationResult], None]
    """Write the model folder of a step with the weights that the model holds now."""
    stop: StopRequest
    observer: Observer


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended."""

    is_finished: bool
    """False: stopped before the end, and resumable."""
    reason: str


class _Report:
    """Sums since the last line of the log."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.loss_sum = torch.zeros(())
        self.num_steps = self.num_tokens = self.num_cells = 0
        self.waited_before_s = 0.0


def run_loop(parts: LoopParts) -> Outcome:
    """Train until a stop condition, a signal or the end of the time budget.

    Raises:
        DivergedError: the loss became NaN or infinite; the last checkpoint is intact.
        RunFolderError: the disk is full or went away; earlier checkpoints are intact.
    """
    config, progress, world = parts.config, parts.progress, parts.step_parts.world
    watch = Stopwatch(progress.elapsed_s)
    first_step, invocation_started = progress.step, time.perf_counter()
    validated_at, saved_at, validation_s = None, progress.step, 0.0
    stop_votes = 0
    parts.model.train()
    report = _Report()

    with (
        parts.stop.listening(),
        parts.open_stream(progress.epoch, progress.update) as stream,
    ):
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
            multiplier = lr_multiplier_now(parts, step)
            parts.step_parts.optimizers.set_lr(multiplier)
            seed_update(config.seed, step, world.rank)
            tensors = [to_tensors(batch, parts.step_parts.numerics.device) for batch in batches]
            stats = train_step(parts.step_parts, tensors, num_tokens)
            if parts.average is not None:
                parts.average.update(parts.model)

            is_epoch_end = update.is_last
            progress.step = step
            progress.epoch = update.epoch + 1 if is_epoch_end else update.epoch
            progress.update = 0 if is_epoch_end else update.index + 1
            progress.total_tgt_tokens += num_tokens
            progress.elapsed_s = watch.elapsed_s()
            report.loss_sum = report.loss_sum.to(stats.loss_sum.device) + stats.loss_sum
            report.num_steps += 1
            report.num_tokens += num_tokens
            report.num_cells += num_cells
            if fits_budget(config.schedule) and progress.total_steps is None:
                fit_to_budget(parts, step - first_step, time.perf_counter() - invocation_started)
            if world.is_main:
                parts.observer.stepped(step, progress.total_steps)

            is_last = progress.step == progress.total_steps or (
                config.training.max_epochs == progress.epoch and is_epoch_end
            )
            every = config.validation.every_steps
            is_validation = is_last or (is_epoch_end if every is None else step % every == 0)
            save_every = config.checkpoints.every_steps
            is_save = is_validation or (save_every is not None and step % save_every == 0)
            if is_save or step % config.training.log_every_steps == 0:
                report_steps(parts, report, stats.grad_norm.item(), multiplier, stream.waited_s)
                refuse_divergence(parts, report, stats.grad_norm.item())
                waited_s, report = stream.waited_s, _Report()
                report.waited_before_s = waited_s
            if is_validation:
                validation_s = validate(parts)
                validated_at = step
            if is_save:
                save(parts)
                saved_at = step
            if is_validation:
                report.started = time.perf_counter()
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
        is_budget = not reason.startswith("signal")
        if is_budget and validated_at != progress.step:
            validate(parts)
        save(parts)
    return Outcome(False, f"{reason}; stopped at step {progress.step}, saved and resumable")


def lr_multiplier_now(parts: LoopParts, step: int) -> float:
    """The schedule's value for the update that is about to be made."""
    schedule = parts.config.schedule
    if parts.progress.total_steps is None and fits_budget(schedule):
        # The length is not known yet: warm up, then wait at the peak.
        return min(1.0, step / max(1, schedule.warmup_steps))
    return lr_multiplier(schedule, step, parts.progress.total_steps, parts.plateau.ratio)


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
    limit = parts.config.training.max_steps
    parts.progress.total_steps = total if limit is None else min(total, limit)
    logger.info(
        "the time budget allows %d steps: the schedule ends there", parts.progress.total_steps
    )


def refuse_divergence(parts: LoopParts, report: _Report, grad_norm: float) -> None:
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


def report_steps(
    parts: LoopParts, report: _Report, grad_norm: float, multiplier: float, waited_s: float
) -> None:
    """One line of metrics and of the log, over the steps since the last."""
    progress, world = parts.progress, parts.step_parts.world
    (loss_sum,) = world.sum_floats([report.loss_sum.item()])
    seconds = max(time.perf_counter() - report.started, 1e-9)
    if not world.is_main:
        return
    left = None if progress.total_steps is None else progress.total_steps - progress.step
    metrics = StepMetrics(
        step=progress.step,
        total_steps=progress.total_steps,
        epoch=progress.epoch,
        loss_per_token=loss_sum / report.num_tokens,
        grad_norm=grad_norm,
        lr=parts.step_parts.optimizers.describe()[0].lr * multiplier,
        tgt_tokens_per_s=report.num_tokens / seconds,
        tgt_tokens_per_update=report.num_tokens / report.num_steps,
        cells_per_update=report.num_cells / report.num_steps,
        data_wait_share=min(1.0, (waited_s - report.waited_before_s) / seconds),
        total_tgt_tokens=progress.total_tgt_tokens,
        elapsed_s=progress.elapsed_s,
        eta_s=None if left is None else left * seconds / report.num_steps,
    )
    MetricsFile(parts.run.metrics).write("step", metrics)
    logger.info(describe_step(metrics), extra={"is_progress": True})
    parts.observer.reported(metrics)


def validate(parts: LoopParts) -> float:
    """Judge the weights as they will be used, save them as a model; seconds that it took."""
    started = time.perf_counter()
    progress, world = parts.progress, parts.step_parts.world
    with holding_weights(parts.model, weights_to_use(parts)):
        result = parts.validator.validate(parts.model)
        score = result.score_by(parts.best.metric)
        is_best = parts.best.validated(score, progress.step)
        if parts.plateau.validated(parts.config.schedule, is_better=is_best):
            logger.info(
                "no better score: the learning rate falls to %g of its peak", parts.plateau.ratio
            )
        if world.is_main:
            parts.save_model(progress.step, result)
            if is_best:
                parts.run.point_best(progress.step)
    duration_s = time.perf_counter() - started
    if world.is_main:
        metrics = describe_result(parts, result, is_best=is_best, duration_s=duration_s)
        MetricsFile(parts.run.metrics).write("validation", metrics)
        logger.info(describe_validation(metrics))
        logger.info(
            "  source:     %s\n  hypothesis: %s\n  reference:  %s",
            metrics.sample_source,
            metrics.sample_hypothesis,
            metrics.sample_reference,
        )
        parts.observer.validated(metrics)
    world.barrier()
    return duration_s


def weights_to_use(parts: LoopParts) -> dict[str, torch.Tensor] | None:
    """What is validated and saved as model: an average where the config asks for one."""
    if parts.average is not None:
        return parts.average.weights
    wanted = parts.config.checkpoints.average_last - 1
    steps = [s for s in parts.run.checkpoint_steps() if s < parts.progress.step]
    if wanted == 0 or not steps:
        return None
    earlier = [read_weights(parts.run, step) for step in steps[-wanted:]]
    return mean_weights([*earlier, {n: w.cpu() for n, w in named_weights(parts.model).items()}])


def describe_result(
    parts: LoopParts, result: ValidationResult, *, is_best: bool, duration_s: float
) -> ValidationMetrics:
    """A validation as metrics.jsonl holds it; each one shows another sample sentence."""
    progress, best = parts.progress, parts.best
    assert best.score is not None
    assert best.step is not None
    sample = progress.step % len(result.hypotheses)
    return ValidationMetrics(
        step=progress.step,
        epoch=progress.epoch,
        loss_per_token=result.loss_per_token,
        perplexity=result.perplexity,
        bleu=result.bleu.score,
        chrf=result.chrf.score,
        bleu_signature=result.bleu.signature,
        chrf_signature=result.chrf.signature,
        is_best=is_best,
        best_score=best.score,
        best_step=best.step,
        total_tgt_tokens=progress.total_tgt_tokens,
        elapsed_s=progress.elapsed_s,
        duration_s=duration_s,
        sample_source=parts.validator.pairs.src_texts[sample],
        sample_hypothesis=result.hypotheses[sample],
        sample_reference=parts.validator.pairs.tgt_texts[sample],
    )


def save(parts: LoopParts) -> None:
    """Write a checkpoint, then remove what is older than the config keeps."""
    checkpoints, average = parts.config.checkpoints, parts.average
    if parts.step_parts.world.is_main and not parts.run.checkpoint(parts.progress.step).exists():
        write_checkpoint(
            parts.run,
            Checkpoint(
                step=parts.progress.step,
                weights=named_weights(parts.model),
                optimizer=parts.step_parts.optimizers.state_tensors(),
                average=None if average is None else average.weights,
                state={
                    "progress": asdict(parts.progress),
                    "best": asdict(parts.best),
                    "plateau": asdict(parts.plateau),
                    "scaler": parts.step_parts.scaler.state_dict(),
                    "average_steps": 0 if average is None else average.num_steps,
                },
            ),
        )
        parts.run.prune(
            keep_last=checkpoints.keep_last,
            keep_checkpoints=max(checkpoints.keep_last, checkpoints.average_last),
            best_step=parts.best.step,
        )
    parts.step_parts.world.barrier()


def describe_end(parts: LoopParts, outcome: Outcome) -> str:
    """The last line of the log."""
    progress, best = parts.progress, parts.best
    found = (
        "no validation yet"
        if best.score is None
        else (f"best {best.metric} {best.score:.2f} at step {best.step}")
    )
    return (
        f"{outcome.reason}: {progress.step} steps, {progress.total_tgt_tokens} target tokens in"
        f" {describe_duration(progress.elapsed_s)}; {found}"
    )
