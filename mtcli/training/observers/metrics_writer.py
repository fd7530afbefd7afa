"""The observer that writes metrics.jsonl."""

from __future__ import annotations

from pathlib import Path

from mtcli.runs.metrics import MetricsFile, StepMetrics, ValidationMetrics
from mtcli.training.observers.protocol import Observer


class MetricsWriter(Observer):
    """Appends every report and validation to a metrics.jsonl."""

    def __init__(self, path: Path) -> None:
        self._file = MetricsFile(path)

    def reported(self, metrics: StepMetrics) -> None:
        """Append a line."""
        self._file.write("step", metrics)

    def validated(self, metrics: ValidationMetrics) -> None:
        """Append a line."""
        self._file.write("validation", metrics)
