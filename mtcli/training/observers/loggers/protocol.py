"""What mtcli asks of an experiment tracker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mtcli.training.observers.loggers.identities import Identities


@dataclass(frozen=True)
class LoggedRun:
    """A run, as trackers know it."""

    name: str
    """Name of its folder."""
    folder: Path
    hyperparameters: Mapping[str, Any]
    """The values of its config by dotted key: text, numbers, truth values, None, lists of these."""
    identities: Identities
    """What the trackers call the run, so that a resumed run is the same one there."""


@dataclass(frozen=True)
class Sample:
    """A sentence of the validation pairs, and how it was translated."""

    source: str
    hypothesis: str
    reference: str


class Logger(Protocol):
    """Logs a run to a tracker. Whatever it raises ends the logging, never the training.

    All methods are called in one thread, `begin` first and `end` last.
    """

    @property
    def title(self) -> str:
        """What messages call the tracker."""

    def begin(self, run: LoggedRun, step: int) -> str | None:
        """Open the run, or open it again: what was logged from `step` on is about to come again.

        Returns:
            The place where it is logged, as `identities` knows it: what the tracker has from a
            killed invocation is then left out. None: the tracker drops the older values itself.
        """

    def rewind(self, step: int) -> None:
        """A run that diverged went back: what was logged from `step` on does not count."""

    def scalars(self, step: int, values: Mapping[str, float], at_s: float) -> None:
        """Log numbers by name, such as `train/loss`, measured at a time in seconds since 1970."""

    def sample(self, step: int, sample: Sample, at_s: float) -> None:
        """Log the sample of a validation."""

    def model_card(self, step: int, text: str) -> None:
        """Log the README.md of the best model, which is Markdown."""

    def end(self, *, is_failed: bool) -> None:
        """Write everything and close the run; `is_failed`: training ended with an error."""
