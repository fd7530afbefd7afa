"""From the loop's counters to the metrics that observers are told."""

from __future__ import annotations

import time

import torch

from mtcli.data.batches import Update
from mtcli.data.prefetch import Prefetch
from mtcli.runs.metrics import StepMetrics, ValidationMetrics
from mtcli.training.best_score import BestScore
from mtcli.training.clock import process_cpu_s
from mtcli.training.loop_parts import LoopParts
from mtcli.training.validation import ValidationResult


class Report:
    """Sums since the last report.

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
        """Leave out the time until now, in which for instance a validation was made."""
        self.started, self.cpu_before_s = time.perf_counter(), process_cpu_s()

    def add(self, loss_sum: torch.Tensor, num_tokens: int, num_cells: int) -> None:
        """Count an update: its loss stays on the device until it is reported."""
        self.loss_sum = self.loss_sum.to(loss_sum.device) + loss_sum
        self.num_steps += 1
        self.num_tokens += num_tokens
        self.num_cells += num_cells


def report_steps(parts: LoopParts, report: Report, grad_norm: float) -> None:
    """Tell the observers of the steps since the last report. Collective."""
    progress, world = parts.state.progress, parts.world
    own_cpu_s = process_cpu_s()
    loss_sum, cpu_s, new_cpu_s, new_data_cpu_s = world.sum_floats(
        [
            report.loss_sum.item(),
            own_cpu_s,
            own_cpu_s - report.cpu_before_s,
            report.stream.cpu_s - report.data_cpu_before_s,
        ]
    )
    progress.cpu_s = parts.clock.cpu_before_s + cpu_s
    seconds = max(time.perf_counter() - report.started, 1e-9)
    if not world.is_main:
        return
    left = None if progress.total_steps is None else progress.total_steps - progress.step
    rates = parts.step_parts.optimizers.rates()
    parts.observers.reported(
        StepMetrics(
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
    )


def report_validation(
    parts: LoopParts,
    result: ValidationResult,
    best: BestScore,
    *,
    is_stop: bool,
    duration_s: float,
) -> None:
    """Tell the observers of a validation; each one shows another sample sentence. Collective.

    Args:
        parts: the run.
        result: what was found.
        best: the best validation, this one included.
        is_stop: whether a stop made it, between two of the config's.
        duration_s: time that it took.
    """
    progress, valid = parts.state.progress, parts.validator.valid
    (cpu_s,) = parts.world.sum_floats([process_cpu_s()])
    progress.cpu_s = parts.clock.cpu_before_s + cpu_s
    if best.score is None or best.step is None:
        raise ValueError("nothing was validated")
    sample, previous = progress.step % len(result.hypotheses), result.previous_hypotheses
    scores = {name: score.score for name, score in result.metrics.items()}
    signatures = {name: score.signature for name, score in result.metrics.items()}
    if parts.world.is_main:
        parts.observers.validated(
            ValidationMetrics(
                step=progress.step,
                epoch=progress.epoch_of_last_update,
                loss_per_token=result.loss_per_token,
                perplexity=result.perplexity,
                bleu=scores.get("bleu"),
                chrf=scores.get("chrf"),
                bleu_signature=signatures.get("bleu"),
                chrf_signature=signatures.get("chrf"),
                is_best=best.step == progress.step,
                is_stop=is_stop,
                best_by=best.metric,
                best_score=best.score,
                best_step=best.step,
                total_tgt_tokens=progress.total_tgt_tokens,
                total_tgt_tokens_computed=progress.total_tgt_tokens_computed,
                elapsed_s=progress.elapsed_s,
                cpu_s=progress.cpu_s,
                duration_s=duration_s,
                sample_source=valid.src_texts[sample],
                sample_hypothesis=result.hypotheses[sample],
                sample_reference=valid.tgt_texts[sample],
                training_loss_per_token=result.training_loss_per_token,
                sample_before=None if previous is None else previous[sample],
                scores=scores,
                signatures=signatures,
            )
        )
