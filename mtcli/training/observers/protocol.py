"""Who is told what happens in a run: any number of observers, on the main process only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mtcli.runs.metrics import StepMetrics, ValidationMetrics

Phase = Literal["reading", "tokenizer", "store", "training", "validating"]
"""What a run is doing: reading its data, training the tokenizer, tokenizing the pairs into the
store, making updates, validating."""


@dataclass(frozen=True)
class Reading:
    """Figures of the newest updates, for a display; nothing records them."""

    step: int
    total_steps: int | None
    """Number of the last step, where it is known."""
    epoch: int
    """From 0."""
    loss_per_token: float
    """Loss that was trained on, in nats per target token, of the newest update."""
    is_smoothed: bool
    """Whether label smoothing or R-Drop is part of that loss."""
    grad_norm: float
    """Of the newest update, before clipping."""
    lr: float
    """Of the first parameter group."""
    tgt_tokens_per_s: float
    """Since the last reading, over all processes."""
    elapsed_s: float
    """Training time since the run began, over all invocations."""
    eta_s: float | None
    """Time left at the mean speed of this invocation; None if the end is not known."""
    next_validation: int | None
    """Its step; None if it comes at the end of the epoch."""


class Observer:
    """Shows or records a run; what it raises ends the run. A subclass overrides what it needs."""

    def entered(self, phase: Phase) -> None:
        """Another phase has begun."""

    def advanced(self, done: int, total: int | None) -> None:
        """So many pairs of the phase are done; `total` is None where it is not known.

        While validating, they are this process's share of the pairs.
        """

    def stepped(self, step: int, total_steps: int | None) -> None:
        """An update was made."""

    def read(self, reading: Reading) -> None:
        """The figures of the newest update, soon after the first one and then twice a second."""

    def reported(self, metrics: StepMetrics) -> None:
        """A report is due, every `training.log_every_steps`."""

    def validated(self, metrics: ValidationMetrics) -> None:
        """A validation is done."""


class Observers(Observer):
    """Tells each of several observers in turn.

    Args:
        observers: told in this order; none on processes other than the main one.
    """

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = tuple(observers)

    def entered(self, phase: Phase) -> None:
        """Tell all of a phase."""
        for observer in self._observers:
            observer.entered(phase)

    def advanced(self, done: int, total: int | None) -> None:
        """Tell all how far the phase has come."""
        for observer in self._observers:
            observer.advanced(done, total)

    def stepped(self, step: int, total_steps: int | None) -> None:
        """Tell all of an update."""
        for observer in self._observers:
            observer.stepped(step, total_steps)

    def read(self, reading: Reading) -> None:
        """Tell all of a reading."""
        for observer in self._observers:
            observer.read(reading)

    def reported(self, metrics: StepMetrics) -> None:
        """Tell all of a report."""
        for observer in self._observers:
            observer.reported(metrics)

    def validated(self, metrics: ValidationMetrics) -> None:
        """Tell all of a validation."""
        for observer in self._observers:
            observer.validated(metrics)
