"""Tell a logger of records, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mtcli.training.observers.loggers.protocol import LoggedRun, Logger
from mtcli.training.observers.loggers.records import (
    sample_of,
    scalars_of_steps,
    scalars_of_validation,
)


@dataclass(frozen=True)
class Record:
    """A report of steps, or a validation."""

    kind: Literal["step", "validation"]
    values: Mapping[str, Any]
    """As in metrics.jsonl."""
    at_s: float
    """When it was made, in seconds since 1970."""


class Teller:
    """Leaves out what the tracker has already, and sees where a run went back.

    Args:
        logger: what is told.
        run: what is logged.
    """

    def __init__(self, logger: Logger, run: LoggedRun) -> None:
        self._logger, self._run = logger, run
        self._step: int | None = None
        """Of the newest record; None before the first."""
        self._place: str | None = None
        self._newest: Mapping[str, int] = {}
        """By kind of record: the step up to which the tracker has them from earlier invocations."""

    def begin(self, step: int) -> None:
        """Open the run at a step, if it is not open."""
        if self._step is None:
            self._place = self._logger.begin(self._run, step)
            if self._place is not None:
                self._newest = self._run.identities.newest(self._place)
            self._step = step

    def tell(self, record: Record) -> None:
        """Log a record, unless the tracker has it."""
        step = record.values["step"]
        self.begin(step)
        if self._step is not None and step < self._step:
            self._logger.rewind(step)
            self._newest = {}  # other values than before
        self._step = step
        if step <= self._newest.get(record.kind, 0):
            return
        self._log(step, record)
        if self._place is not None:
            self._run.identities.keep_newest(self._place, record.kind, step)

    def _log(self, step: int, record: Record) -> None:
        if record.kind == "step":
            self._logger.scalars(step, scalars_of_steps(record.values), record.at_s)
            return
        self._logger.scalars(step, scalars_of_validation(record.values), record.at_s)
        sample = sample_of(record.values)
        if sample is not None:
            self._logger.sample(step, sample, record.at_s)

    def end(self, model_card: str | None, *, is_failed: bool) -> None:
        """Log the model card, if there is one, and close the run, if it is open."""
        if self._step is None:
            return
        if model_card is not None:
            self._logger.model_card(self._step, model_card)
        self._logger.end(is_failed=is_failed)
