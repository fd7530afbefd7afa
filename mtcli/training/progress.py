"""What a run reports while it goes: metrics.jsonl, lines of the log, and a live observer."""

from __future__ import annotations

import logging
import resource
import time
from typing import Protocol

from mtcli.runs.metrics import StepMetrics, ValidationMetrics

logger = logging.getLogger(__name__)


class Observer(Protocol):
    """Whoever shows a run to a person; called on the main process only."""

    def stepped(self, step: int, total_steps: int | None) -> None:
        """An update was made."""

    def reported(self, metrics: StepMetrics) -> None:
        """A report is due, every `training.log_every_steps`."""

    def validated(self, metrics: ValidationMetrics) -> None:
        """A validation is done."""


class SilentObserver:
    """Shows nothing."""

    def stepped(self, step: int, total_steps: int | None) -> None:
        """Nothing."""

    def reported(self, metrics: StepMetrics) -> None:
        """Nothing."""

    def validated(self, metrics: ValidationMetrics) -> None:
        """Nothing."""


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
    mark = "best so far" if m.is_best else f"best is {m.best_score:.2f} at step {m.best_step}"
    return (
        f"validation at step {m.step}: BLEU {m.bleu:.2f}, chrF {m.chrf:.2f},"
        f" loss {m.loss_per_token:.3f}, perplexity {m.perplexity:.2f}"
        f" ({mark}; took {m.duration_s:.1f} s)"
    )


def describe_duration(seconds: float) -> str:
    """For instance `1 h 05 min`, `3 min 20 s`, `12 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole} s"


def process_cpu_s() -> float:
    """User and system time of this process since it started, and of its children that ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Stopwatch:
    """Training time over all invocations of a run."""

    def __init__(self, before_s: float = 0.0) -> None:
        self._before_s = before_s
        self._started = time.monotonic()

    def elapsed_s(self) -> float:
        """Seconds since the run began, pauses between invocations not counted."""
        return self._before_s + time.monotonic() - self._started
