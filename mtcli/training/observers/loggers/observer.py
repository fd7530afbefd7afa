"""The observer that logs a run to an experiment tracker, in a thread of its own.

A tracker may fail, or wait for a network that is gone. Neither stops or delays the training.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from mtcli.config.schema.logging import LoggerConfig
from mtcli.runs.folder import RunFolder
from mtcli.runs.metrics import StepMetrics, ValidationMetrics
from mtcli.training.observers.loggers.choice import make_logger
from mtcli.training.observers.loggers.identities import Identities
from mtcli.training.observers.loggers.protocol import LoggedRun, Logger
from mtcli.training.observers.loggers.records import hyperparameters_of, model_card_of
from mtcli.training.observers.loggers.telling import Record, Teller
from mtcli.training.observers.protocol import Observer

logger = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""How long the end of a run waits for what a tracker has not written yet."""

_MOST_WAITING = 10_000
"""Records that wait for a tracker which does not answer; a record has about a kilobyte."""


class LoggerObserver(Observer):
    """Hands every report and validation to a thread that logs them.

    Args:
        told: the logger.
        run: the folder of the run, which has its config by the first update.
        identities: what trackers call the run.
        most_waiting: records that wait for the logger before it is given up.
    """

    def __init__(
        self,
        told: Logger,
        run: RunFolder,
        identities: Identities,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._logger, self._run, self._identities = told, run, identities
        self._waiting: queue.Queue[Record | int | bool] = queue.Queue(most_waiting)
        """Records, the first step, and at the end whether training has failed."""
        self._thread: threading.Thread | None = None
        self._has_failed = False
        self._lock = threading.Lock()

    def stepped(self, step: int, total_steps: int | None) -> None:
        """Open the run, at the first update."""
        if self._thread is None:
            self._put(step)

    def reported(self, metrics: StepMetrics) -> None:
        """Log the numbers."""
        self._put(Record("step", asdict(metrics), time.time()))

    def validated(self, metrics: ValidationMetrics) -> None:
        """Log the scores and the sample."""
        self._put(Record("validation", asdict(metrics), time.time()))

    def end(self, *, is_failed: bool) -> None:
        """Let the thread log the rest, and the model card; `wait` waits until that is done.

        Args:
            is_failed: whether training ended with an error.
        """
        if self._thread is not None:
            self._put(is_failed)

    def wait(self, patience_s: float) -> None:
        """Wait until all is logged; after so many seconds, the logger is given up."""
        if self._thread is None:
            return
        self._thread.join(patience_s)
        if self._thread.is_alive():
            self._give_up(f"it does not answer, and was waited for {patience_s:.0f} s")

    def _put(self, item: Record | int | bool) -> None:
        if self._has_failed:
            return
        if self._thread is None:
            name = f"logging to {self._logger.title}"
            self._thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            self._give_up(f"it has not taken {self._waiting.maxsize} records")

    def _work(self) -> None:
        try:
            self._log_all()
        except BaseException as error:  # noqa: BLE001 a tracker raises what it likes, SystemExit too
            self._give_up(f"{type(error).__name__}: {error}")

    def _log_all(self) -> None:
        run = LoggedRun(
            name=self._run.path.name,
            folder=self._run.path,
            hyperparameters=hyperparameters_of(self._run),
            identities=self._identities,
        )
        teller = Teller(self._logger, run)
        while not self._has_failed:
            item = self._waiting.get()
            if isinstance(item, Record):
                teller.tell(item)
            elif isinstance(item, bool):
                teller.end(model_card_of(self._run), is_failed=item)
                return
            else:
                teller.begin(item)

    def _give_up(self, reason: str) -> None:
        """Warn, once; what comes is dropped."""
        with self._lock:
            is_known, self._has_failed = self._has_failed, True
        if is_known:
            return
        logger.warning(
            "nothing more is logged to %s: %s. Training continues; `mtcli report RUN --to ...`"
            " logs the run later",
            self._logger.title,
            " ".join(reason.split()),
        )


@contextmanager
def logging_to_trackers(
    configs: Sequence[LoggerConfig], run: RunFolder
) -> Iterator[list[LoggerObserver]]:
    """The observers that log a run, as long as it is trained.

    Args:
        configs: `logging` of its config.
        run: its folder.
    """
    identities = Identities(run.path / "loggers.json")
    observers = [LoggerObserver(make_logger(config), run, identities) for config in configs]
    is_failed = True
    try:
        yield observers
        is_failed = False
    finally:
        for observer in observers:
            observer.end(is_failed=is_failed)
        deadline_s = time.monotonic() + PATIENCE_S
        for observer in observers:
            observer.wait(max(deadline_s - time.monotonic(), 0.0))
