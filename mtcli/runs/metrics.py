"""The records of metrics.jsonl: what is measured at a step or a validation, written and read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mtcli.errors import RunFolderError
from mtcli.folders import write_text_atomically
from mtcli.runs.folder import RunFolder


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
    """Made because the budget ended, between two validations that the config asks for."""
    best_by: str
    """Metric that chooses the best model: `bleu`, `chrf` or `loss`."""
    best_score: float
    best_step: int
    total_tgt_tokens: int
    total_tgt_tokens_computed: int
    """Target tokens that went through the model; R-Drop counts them twice."""
    elapsed_s: float
    cpu_s: float
    """As in the reports of steps."""
    duration_s: float
    """Time that the validation took."""
    sample_source: str
    sample_hypothesis: str
    sample_reference: str
    training_loss_per_token: float | None = None
    """The same cross-entropy on the training pairs of the last update, without dropout."""
    sample_before: str | None = None
    """What the validation before, in the same invocation, gave for the sample's source."""


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
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(line + "\n")
        except OSError as error:
            raise RunFolderError(f"cannot write {self._path}: {error.strerror}") from error


def read_validations(path: Path) -> list[dict[str, Any]]:
    """The validations of a metrics.jsonl, oldest first, without those of stops that were undone.

    A stop's validation counts while its model exists, that is until the run comes further.
    """
    models = RunFolder(path.parent).all_models()
    return [
        metrics
        for line in _lines_of(path)
        if (metrics := _read_line(line)) is not None
        and metrics["kind"] == "validation"
        and (not metrics.get("is_stop", False) or metrics["step"] in models)
    ]


def cut_back_metrics(path: Path, step: int) -> None:
    """Remove the lines of a metrics.jsonl that are about later steps, and torn ones.

    Raises:
        RunFolderError: it cannot be written.
    """
    if path.exists():
        kept = [
            line
            for line in _lines_of(path)
            if (metrics := _read_line(line)) is not None and float(metrics["step"]) <= step
        ]
        write_text_atomically(path, "".join(line + "\n" for line in kept))


def _lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []


def _read_line(line: str) -> dict[str, Any] | None:
    """The object of a line of metrics.jsonl; None for the torn last line of a killed run."""
    try:
        metrics: dict[str, Any] = json.loads(line)
        float(metrics["step"])
    except (ValueError, KeyError, TypeError):
        return None
    return metrics
