"""From the loop's counters to metrics.jsonl, the log and whoever watches."""

from __future__ import annotations

import logging
import time

import torch

from mtcli.data.batches import Update
from mtcli.data.prefetch import Prefetch
from mtcli.runs.metrics import MetricsFile, StepMetrics, ValidationMetrics
from mtcli.training.clock import process_cpu_s
from mtcli.training.log_lines import describe_duration, describe_step, describe_validation
from mtcli.training.outcome import Outcome
from mtcli.training.parts import LoopParts
from mtcli.training.validation import ValidationResult

logger = logging.getLogger(__name__)


class Report:
    """Sums since the last line of the log.

    Args:
        stream: where the updates come from.
    """

    def __init__(self, stream: Prefetch[Update]) -> None:
        self.loss_sum = torch.zeros(())
        self.num_steps = self.num_tokens = self.num_cells = 0
        self.stream = stream
        self.waited_before_s, self.data_cpu_before_s = stream.waited_s, stream.cpu_s
        self.start_clock()

    def start_clock(self) -> None:
        """What was done until now, validating say, is none of the updates' time."""
        self.started, self.cpu_before_s = time.perf_counter(), process_cpu_s()


def report_steps(parts: LoopParts, report: Report, grad_norm: float) -> None:
    """One line of metrics and of the log, over the steps since the last."""
    progress, world = parts.progress, parts.step_parts.world
    own_cpu_s = process_cpu_s()
    loss_sum, cpu_s, new_cpu_s, new_data_cpu_s = world.sum_floats(
        [
            report.loss_sum.item(),
            own_cpu_s,
            own_cpu_s - report.cpu_before_s,
            report.stream.cpu_s - report.data_cpu_before_s,
        ]
    )
    progress.cpu_s = parts.cpu_before_s + cpu_s
    seconds = max(time.perf_counter() - report.started, 1e-9)
    if not world.is_main:
        return
    left = None if progress.total_steps is None else progress.total_steps - progress.step
    rates = parts.step_parts.optimizers.rates()
    metrics = StepMetrics(
        step=progress.step,
        total_steps=progress.total_steps,
        epoch=progress.epoch_of_last_update,
        loss_per_token=loss_sum / report.num_tokens,
        grad_norm=grad_norm,
        lr=next(iter(rates.values())),
        lr_of_groups=rates,
        tgt_tokens_per_s=report.num_tokens / seconds,
        tgt_tokens_per_update=report.num_tokens / report.num_steps,
        cells_per_update=report.num_cells / report.num_steps,
        data_wait_share=min(1.0, (report.stream.waited_s - report.waited_before_s) / seconds),
        data_cpu_share=min(1.0, new_data_cpu_s / max(new_cpu_s, 1e-9)),
        total_tgt_tokens=progress.total_tgt_tokens,
        total_tgt_tokens_computed=progress.total_tgt_tokens_computed,
        elapsed_s=progress.elapsed_s,
        cpu_s=progress.cpu_s,
        eta_s=None if left is None else left * seconds / report.num_steps,
    )
    MetricsFile(parts.run.metrics).write("step", metrics)
    logger.info(describe_step(metrics), extra={"is_progress": True})
    parts.observer.reported(metrics)


def report_validation(
    parts: LoopParts,
    result: ValidationResult,
    *,
    is_best: bool,
    is_stop: bool,
    duration_s: float,
) -> None:
    """A validation in metrics.jsonl and in the log; each one shows another sample sentence."""
    progress, best = parts.progress, parts.best
    if best.score is None or best.step is None:
        raise ValueError("nothing was validated")
    sample = progress.step % len(result.hypotheses)
    metrics = ValidationMetrics(
        step=progress.step,
        epoch=progress.epoch_of_last_update,
        loss_per_token=result.loss_per_token,
        perplexity=result.perplexity,
        bleu=result.bleu.score,
        chrf=result.chrf.score,
        bleu_signature=result.bleu.signature,
        chrf_signature=result.chrf.signature,
        is_best=is_best,
        is_stop=is_stop,
        best_score=best.score,
        best_step=best.step,
        total_tgt_tokens=progress.total_tgt_tokens,
        total_tgt_tokens_computed=progress.total_tgt_tokens_computed,
        elapsed_s=progress.elapsed_s,
        cpu_s=progress.cpu_s,
        duration_s=duration_s,
        sample_source=parts.validator.pairs.src_texts[sample],
        sample_hypothesis=result.hypotheses[sample],
        sample_reference=parts.validator.pairs.tgt_texts[sample],
    )
    MetricsFile(parts.run.metrics).write("validation", metrics)
    logger.info(describe_validation(metrics))
    logger.info(
        "  source:     %s\n  hypothesis: %s\n  reference:  %s",
        metrics.sample_source,
        metrics.sample_hypothesis,
        metrics.sample_reference,
    )
    parts.observer.validated(metrics)


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
