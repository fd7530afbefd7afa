"""Who is told what happens in a run."""

from __future__ import annotations

from typing import Protocol

from mtcli.runs.metrics import StepMetrics, ValidationMetrics


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
