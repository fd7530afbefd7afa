"""Progress of `mtcli train`: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from mtcli.cli.live_panel import LiveObserver


class _ConsoleHandler(logging.Handler):
    """Prints log lines.

    Args:
        print_lines: prints them, above the live panel if there is one.
        with_progress: whether to print what the panel would show.
    """

    def __init__(self, print_lines: Callable[[Text], None], *, with_progress: bool) -> None:
        super().__init__()
        self._print, self._with_progress = print_lines, with_progress

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "is_progress", False) and not self._with_progress:
            return  # the panel shows it
        style = "yellow" if record.levelno >= logging.WARNING else ""
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        self._print(Text(prefix + record.getMessage(), style=style))


@contextmanager
def showing(*, level: int, is_live: bool) -> Iterator[LiveObserver | None]:
    """Inside, print mtcli's log to standard error; yields the observer of a live panel, or None.

    Args:
        level: a level of `logging`; records below it are not printed.
        is_live: whether to draw a live panel, which needs a terminal.
    """
    console = Console(file=sys.stderr, soft_wrap=True)
    if is_live and level <= logging.INFO and not console.is_dumb_terminal:
        from mtcli.cli.live_panel import LiveObserver
        from mtcli.cli.live_region import Region

        observer = LiveObserver(is_ascii=console.options.ascii_only)
        region = Region(console, observer.content)
        observer.draw_soon = region.draw_soon
        with _logging_to(_ConsoleHandler(region.print, with_progress=False), level), region:
            yield observer
    else:

        def print_lines(text: Text) -> None:
            console.print(text, soft_wrap=True, highlight=False)

        with _logging_to(_ConsoleHandler(print_lines, with_progress=True), level):
            yield None


@contextmanager
def _logging_to(handler: logging.Handler, level: int) -> Iterator[None]:
    """Inside, what mtcli logs goes to the handler."""
    handler.setLevel(level)
    package = logging.getLogger("mtcli")
    old_level, old_propagate = package.level, package.propagate
    package.addHandler(handler)
    package.setLevel(min(level, logging.INFO))
    package.propagate = False
    try:
        yield
    finally:
        package.removeHandler(handler)
        package.setLevel(old_level)
        package.propagate = old_propagate
