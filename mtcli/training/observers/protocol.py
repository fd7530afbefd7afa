"""Who is told what happens in a run: any number of observers, on the main process only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mtcli.runs.metrics import StepMetrics, ValidationMetrics


class Observer(Protocol):
    """Shows or records a run; what it raises ends the run."""

    def stepped(self, step: int, total_steps: int | None) -> None:
        """An update was made."""

    def reported(self, metrics: StepMetrics) -> None:
        """A report is due, every `training.log_every_steps`."""

    def validated(self, metrics: ValidationMetrics) -> None:
        """A validation is done."""


class Observers:
    """Tells each of several observers in turn.

    Args:
        observers: told in this order; none on processes other than the main one.
    """

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = tuple(observers)

    def stepped(self, step: int, total_steps: int | None) -> None:
        """Tell all of an update."""
        for observer in self._observers:
            observer.stepped(step, total_steps)

    def reported(self, metrics: StepMetrics) -> None:
        """Tell all of a report."""
        for observer in self._observers:
            observer.reported(metrics)

    def validated(self, metrics: ValidationMetrics) -> None:
        """Tell all of a validation."""
        for observer in self._observers:
            observer.validated(metrics)
