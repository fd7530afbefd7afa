"""The records of metrics.jsonl: what is measured at a step or a validation, written and read."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mtcli.config.metric_names import shown_metric
from mtcli.errors import RunFolderError
from mtcli.folders import why_refused, write_text_atomically
from mtcli.runs.folder import RunFolder

logger = logging.getLogger(__name__)

_STEP, _VALIDATION = "step", "validation"
_NUMBER, _NUMBER_OR_NULL = (int, float), (int, float, type(None))
_TYPES: dict[str, dict[str, tuple[type, ...]]] = {
    _STEP: {},
    _VALIDATION: {"loss_per_token": _NUMBER, "bleu": _NUMBER_OR_NULL, "chrf": _NUMBER_OR_NULL},
}
"""What a line that is read back must have, by its kind, besides its step."""
_MAY_BE_NULL = {
    _STEP: {"loss_per_token": math.nan, "grad_norm": math.nan},
    _VALIDATION: {"perplexity": math.inf},
}
"""What is null in the file where it is not finite, and what it is read back as."""
_EXAMPLE_CHARACTERS = 60
_BLOCK_BYTES = 2**16
"""Read at once from the end of a file."""


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
    bleu: float | None
    """Null if it is not among `validation.metrics`."""
    chrf: float | None
    """The same."""
    bleu_signature: str | None
    chrf_signature: str | None
    is_best: bool
    is_stop: bool
    """Made because the budget ended, between two validations that the config asks for."""
    best_by: str
    """Metric that chooses the best model, such as `bleu` or `loss`."""
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
    scores: dict[str, float] = field(default_factory=dict)
    """All that was computed, by the names of `validation.metrics`, `bleu` and `chrf` included."""
    signatures: dict[str, str] = field(default_factory=dict)
    """What it takes to compute each of these again."""

    def shown_scores(self) -> list[tuple[str, float]]:
        """What was computed, by the names that are printed, the one that chooses first."""
        names = sorted(self.scores, key=lambda name: name != self.best_by)
        return [(shown_metric(name), self.scores[name]) for name in names]


class MetricsFile:
    """metrics.jsonl: one object a line, flushed, keys carrying their units."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, kind: str, metrics: StepMetrics | ValidationMetrics) -> None:
        """Append one line; a NaN or an infinity, which JSON does not know, becomes null.

        Raises:
            RunFolderError: it cannot be written.
        """
        content = {"kind": kind} | _without_nan(asdict(metrics))
        line = json.dumps(content, ensure_ascii=False, allow_nan=False)
        try:
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(line + "\n")
        except OSError as error:
            raise RunFolderError(f"cannot write {self._path}: {why_refused(self._path, error)}") from error


def read_validations(path: Path) -> list[dict[str, Any]]:
    """The validations of a metrics.jsonl, oldest first, without those of stops that were undone.

    A stop's validation counts while its model exists, that is until the run comes further. Damaged
    lines are left out, with a warning.
    """
    _, validations = read_metrics(path)
    return validations


def read_metrics(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The reports of steps and the validations of a metrics.jsonl, oldest first.

    Validations of stops that were undone are not among them. Damaged lines are left out, with a
    warning.
    """
    read = [row.metrics for row in _read_rows(path, "left out")]
    steps = [metrics for metrics in read if metrics["kind"] == _STEP]
    return steps, [metrics for metrics in read if _counts(metrics, path)]


def newest_metrics(path: Path) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The last report of steps and the last validation of a metrics.jsonl, read from its end.

    Returns:
        None for a record that the file has not, and for both without a file.
    """
    step: dict[str, Any] | None = None
    validation: dict[str, Any] | None = None
    for line in _lines_from_the_end(path):
        row = _read_row(line)
        if row is not None and row.metrics["kind"] == _STEP:
            step = step or row.metrics
        elif row is not None and validation is None and _counts(row.metrics, path):
            validation = row.metrics
        if step is not None and validation is not None:
            break
    return step, validation


def cut_back_metrics(path: Path, step: int, best_step: int | None = None) -> None:
    """Remove the lines of a metrics.jsonl that are about later steps, and damaged ones.

    Args:
        path: the file.
        step: the last step that is kept.
        best_step: a step up to there that was validated; a warning says if that is not in the file.

    Raises:
        RunFolderError: it cannot be written.
    """
    kept = [row for row in _read_rows(path, "removed") if row.metrics["step"] <= step]
    validated = {row.metrics["step"] for row in kept if row.metrics["kind"] == _VALIDATION}
    if best_step is not None and best_step not in validated:
        logger.warning(
            "%s lacks the validation of step %d: figures of the updates before step %d are lost,"
            " the model is not",
            path,
            best_step,
            step,
        )
    if path.exists():
        write_text_atomically(path, "".join(row.line + "\n" for row in kept))


def _counts(metrics: dict[str, Any], path: Path) -> bool:
    """Whether it is a validation that no resume has undone."""
    if metrics["kind"] != _VALIDATION:
        return False
    return not metrics.get("is_stop", False) or metrics["step"] in RunFolder(path.parent).all_models()


def _lines_from_the_end(path: Path) -> Iterator[bytes]:
    """The lines of a file, the last one first; none without a file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        start, rest = file.seek(0, os.SEEK_END), b""
        while start > 0:
            size = min(_BLOCK_BYTES, start)
            start = file.seek(start - size)
            rest, *lines = (file.read(size) + rest).split(b"\n")
            yield from reversed(lines)
        yield rest


class _Row(NamedTuple):
    line: str
    metrics: dict[str, Any]


def _read_rows(path: Path, fate: str) -> list[_Row]:
    """The lines of a metrics.jsonl that are what a run wrote; the others are warned of.

    A last line without its end is what a killed run leaves: it is passed over silently, unless it
    has zeros, which no run writes.
    """
    if not path.exists():
        return []
    *lines, last = path.read_bytes().split(b"\n")
    rows, damaged = [], []
    for number, line in enumerate(lines, 1):
        row = _read_row(line)
        if row is None:
            damaged.append(number)
        else:
            rows.append(row)
    if (row := _read_row(last)) is not None:
        rows.append(row)
    elif b"\0" in last:
        lines.append(last)
        damaged.append(len(lines))
    if damaged:
        example = lines[damaged[0] - 1].decode("utf-8", "replace")[:_EXAMPLE_CHARACTERS]
        count = "1 line is" if len(damaged) == 1 else f"{len(damaged)} lines are"
        logger.warning(
            "%s: %s damaged and %s, for example line %d: %r",
            path,
            count,
            fate,
            damaged[0],
            example,
        )
    return rows


def _read_row(line: bytes) -> _Row | None:
    try:
        text = line.decode("utf-8")
        metrics = json.loads(text)
        for key, value in _MAY_BE_NULL.get(metrics["kind"], {}).items():
            if metrics.get(key, 0) is None:
                metrics[key] = value
        types: dict[str, tuple[type, ...]] = {"step": (int,), **_TYPES.get(metrics["kind"], {})}
        is_right = all(type(metrics[key]) in allowed for key, allowed in types.items())
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return _Row(text, metrics) if is_right else None


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nan(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and not math.isfinite(value)
        else value
        for key, value in values.items()
    }
