"""What a run reports while it goes: metrics.jsonl, lines of the log, and a live observer."""

from __future__ import annotations

import json
import logging
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from mtcli.errors import RunFolderError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepMetrics:
    """The steps since the last report; rates and waits are means over them."""

    step: int
    total_steps: int | None
    """Number of the last step, where it is known."""
    epoch: int
    loss_per_token: float
    """Smoothed training loss, R-Drop's divergence included, nats per target token."""
    grad_norm: float
    """Of the last step, before clipping."""
    lr: float
    """Of the first parameter group."""
    lr_of_groups: dict[str, float]
    """Of each parameter group, by its name in the log."""
    tgt_tokens_per_s: float
    """Non-padding target tokens, EOS included, over all processes and wall-clock time."""
    tgt_tokens_per_update: float
    cells_per_update: float
    """Padded cells of the longer side, over all processes: what batch.max_tokens bounds."""
    data_wait_share: float
    """Share of the time in which this process waited for data."""
    data_cpu_share: float
    """Share of the CPU seconds of all processes that went into preparing updates: reading,
    sampling, padding."""
    total_tgt_tokens: int
    """Since the run began."""
    total_tgt_tokens_computed: int
    """The same, each pass through the model counted, R-Drop has two; and those of the model that
    the run started from."""
    elapsed_s: float
    """Training time since the run began, over all invocations."""
    cpu_s: float
    """User and system time of all training processes, from their start, over all invocations."""
    eta_s: float | None
    """Time left at this rate, validations not counted."""


@dataclass(frozen=True)
class ValidationMetrics:
    """One validation."""

    step: int
    epoch: int
    loss_per_token: float
    """Cross-entropy without smoothing, nats per target token."""
    perplexity: float
    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str
    is_best: bool
    is_stop: bool
    """Made because the budget ended, between two of the config's."""
    best_score: float
    best_step: int
    total_tgt_tokens: int
    total_tgt_tokens_computed: int
    """Target tokens that went through the model; R-Drop counts them twice."""
    elapsed_s: float
    cpu_s: float
    """As in the steps."""
    duration_s: float
    """Time that the validation took."""
    sample_source: str
    sample_hypothesis: str
    sample_reference: str


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


class MetricsFile:
    """metrics.jsonl: one object a line, flushed, keys carrying their units."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, kind: str, metrics: StepMetrics | ValidationMetrics) -> None:
        """Append one line.

        Raises:
            RunFolderError: it cannot be written.
        """
        line = json.dumps({"kind": kind} | asdict(metrics), ensure_ascii=False)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise RunFolderError(f"cannot write {self._path}: {error.strerror}") from error


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
