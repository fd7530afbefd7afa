"""Progress of `mtcli train`: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from mtcli.training.observers.protocol import Observer

if TYPE_CHECKING:
    from mtcli.runs.metrics import StepMetrics, ValidationMetrics

_PER_SECOND = 4


class _ConsoleHandler(logging.Handler):
    """Prints log lines, above the live panel if there is one."""

    def __init__(self, console: Console, *, with_progress: bool) -> None:
        super().__init__()
        self._console, self._with_progress = console, with_progress

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "is_progress", False) and not self._with_progress:
            return  # the panel shows it
        style = "yellow" if record.levelno >= logging.WARNING else ""
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        self._console.print(
            Text(prefix + record.getMessage(), style=style), soft_wrap=True, highlight=False
        )


class LiveObserver(Observer):
    """A panel with the state of the run; Rich respects NO_COLOR."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=None), console=console
        )
        self._task = self._bar.add_task("", total=None)
        self._metrics: StepMetrics | None = None
        self._validation: ValidationMetrics | None = None

    def stepped(self, step: int, total_steps: int | None) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=step, total=total_steps)

    def reported(self, metrics: StepMetrics) -> None:
        """Update the metrics."""
        self._metrics = metrics

    def validated(self, metrics: ValidationMetrics) -> None:
        """Update the scores and the sample translation."""
        self._validation = metrics

    def __rich__(self) -> Group:
        from mtcli.training.observers.log_writer import describe_duration

        table = Table.grid(padding=(0, 2))
        if (m := self._metrics) is not None:
            left = "unknown" if m.eta_s is None else describe_duration(m.eta_s)
            table.add_row("epoch", str(m.epoch + 1), "loss", f"{m.loss_per_token:.3f}")
            table.add_row(
                "target tokens/s", f"{m.tgt_tokens_per_s:.0f}", "learning rate", f"{m.lr:.2e}"
            )
            table.add_row("data wait", f"{m.data_wait_share:.1%}", "time left", left)
        if (v := self._validation) is not None:
            table.add_row(
                "last BLEU", f"{v.bleu:.2f}", "best", f"{v.best_score:.2f} at step {v.best_step}"
            )
        parts: list[Table | Text | Progress] = [self._bar, table]
        if v is not None:
            parts += [
                Text(f"source      {v.sample_source}", overflow="ellipsis", no_wrap=True),
                Text(f"hypothesis  {v.sample_hypothesis}", overflow="ellipsis", no_wrap=True),
                Text(f"reference   {v.sample_reference}", overflow="ellipsis", no_wrap=True),
            ]
        return Group(*parts)


@contextmanager
def showing(*, level: int, is_live: bool) -> Iterator[Observer | None]:
    """Inside, print mtcli's log to standard error; yields the observer of a live panel, or None.

    Args:
        level: a level of `logging`; records below it are not printed.
        is_live: whether to draw a live panel, which needs a terminal.
    """
    console = Console(file=sys.stderr, soft_wrap=True)
    handler = _ConsoleHandler(console, with_progress=not is_live)
    handler.setLevel(level)
    package = logging.getLogger("mtcli")
    old_level, old_propagate = package.level, package.propagate
    package.addHandler(handler)
    package.setLevel(min(level, logging.INFO))
    package.propagate = False
    try:
        if is_live and level <= logging.INFO:
            observer = LiveObserver(console)
            with Live(observer, console=console, refresh_per_second=_PER_SECOND):
                yield observer
        else:
            yield None
    finally:
        package.removeHandler(handler)
        package.setLevel(old_level)
        package.propagate = old_propagate
