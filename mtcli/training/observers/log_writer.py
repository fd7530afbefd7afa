"""The observer that writes lines to the log."""

from __future__ import annotations

import logging

from mtcli.config.metric_names import LOSS, digits_of
from mtcli.runs.metrics import StepMetrics, ValidationMetrics
from mtcli.system.durations import describe_duration
from mtcli.training.observers.protocol import Observer

logger = logging.getLogger(__name__)


class LogWriter(Observer):
    """Logs every report and validation; each validation shows another sample sentence."""

    def reported(self, metrics: StepMetrics) -> None:
        """Log a line, which a live panel shows in its own way."""
        logger.info(describe_step(metrics), extra={"is_progress": True})

    def validated(self, metrics: ValidationMetrics) -> None:
        """Log the scores, and a sample, which a live panel shows in its own way."""
        logger.info(describe_validation(metrics))
        logger.info(
            "  source:     %s\n  hypothesis: %s\n  reference:  %s",
            metrics.sample_source,
            metrics.sample_hypothesis,
            metrics.sample_reference,
            extra={"is_progress": True},
        )


def describe_step(m: StepMetrics) -> str:
    """One line for the log."""
    end = f"/{m.total_steps}" if m.total_steps else ""
    eta = f", {describe_duration(m.eta_s)} left" if m.eta_s is not None else ""
    return (
        f"step {m.step}{end}, epoch {m.epoch + 1}: loss {m.loss_per_token:.3f},"
        f" {m.tgt_tokens_per_s:.0f} target tokens/s, lr {m.lr:.2e}, norm {m.grad_norm:.2f},"
        f" {m.tgt_tokens_per_update:.0f} tokens in {m.cells_per_update:.0f} cells an update,"
        f" data wait {m.data_wait_share:.1%}, data CPU {m.data_cpu_share:.1%}{eta}"
    )


def describe_validation(m: ValidationMetrics) -> str:
    """One line for the log."""
    scores = "".join(f"{name} {score:.{digits_of(name)}f}, " for name, score in m.shown_scores())
    digits = 2 if m.best_by == LOSS else digits_of(m.best_by)
    mark = (
        "best so far" if m.is_best else f"best is {m.best_score:.{digits}f} at step {m.best_step}"
    )
    return (
        f"validation at step {m.step}: {scores}"
        f"loss {m.loss_per_token:.3f}, perplexity {m.perplexity:.2f}"
        f" ({mark}; took {m.duration_s:.1f} s)"
    )
