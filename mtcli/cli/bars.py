"""A progress bar on a terminal for commands that take seconds."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from mtcli.cli.colour import GREEN, coloured

_T = TypeVar("_T")

_SHORTEST_WAIT_S = 0.2
"""Between two drawings."""

_WATCHED = 100
"""Items after which the bar looks at the clock."""

_MAX_WIDTH = 80
_LARGEST_COUNTED = 2**30
"""Bytes of the largest file whose lines are counted for the sake of the bar."""


class Bar:
    """One line on standard error that says what is done, of how much, and how long it will take.

    The thread that works draws it: the engine forks workers only in a process without other
    threads.

    Args:
        label: what the command is doing.
        noun: what is counted.
        is_shown: False draws nothing.
    """

    def __init__(self, label: str, noun: str, *, is_shown: bool) -> None:
        self._label, self._noun, self.is_shown = label, noun, is_shown
        self._expected: int | None = None
        self._began_s = self._drawn_s = time.monotonic()
        self._draw(0, None)

    def expect_lines(self, path: Path | None, num_done: int = 0) -> None:
        """Count the lines of a file that are not done yet, if a bar is shown."""
        if self.is_shown and (num_lines := _count_lines(path)) is not None:
            self._expected = max(num_lines - num_done, 0)

    def move(self, done: int, total: int | None = None) -> None:
        """Show how far it is; `total` is None where only the lines of a file can say it."""
        total = self._expected if total is None else total
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _SHORTEST_WAIT_S:
            self._drawn_s = now_s
            self._draw(done, total)

    def begin(self, label: str, noun: str) -> Callable[[int, int], None]:
        """Show the next thing that the command does. Returns `move`."""
        self._label, self._noun, self._began_s = label, noun, time.monotonic()
        self._draw(0, None)
        return self.move

    def watch(self, items: Iterable[_T]) -> Iterator[_T]:
        """The same items, which the bar counts."""
        for number, item in enumerate(items, start=1):
            yield item
            if number % _WATCHED == 0:
                self.move(number)

    def erase(self) -> None:
        """Leave an empty line."""
        self._write("")

    def _draw(self, done: int, total: int | None) -> None:
        elapsed_s = time.monotonic() - self._began_s
        if not done:
            self._write(self._label)
        elif total is None:
            self._write(f"{self._label}  {done:,} {self._noun}  {_clock(elapsed_s)}")
        else:
            count = f"{done:,} of {total:,} {self._noun}"
            left = f"{_clock(elapsed_s * (total - done) / done)} left"
            width = min(shutil.get_terminal_size().columns, _MAX_WIDTH) - 1
            room = width - len(f"{self._label}    {count}  {left}")
            self._write(f"{self._label}  {_filled(done / total, room)}  {count}  {left}")

    def _write(self, text: str) -> None:
        if self.is_shown:
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()


@contextmanager
def progress_bar(label: str, noun: str, *, is_wanted: bool = True) -> Iterator[Bar]:
    """Show a bar inside, if standard error is a terminal that can erase a line.

    Args:
        label: what the command is doing, for example `translating`.
        noun: what is counted, for example `lines`.
        is_wanted: False shows none.
    """
    bar = Bar(label, noun, is_shown=is_wanted and _can_erase())
    try:
        yield bar
    finally:
        bar.erase()


def _can_erase() -> bool:
    """Whether standard error is a terminal on which a line can be replaced."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def _count_lines(path: Path | None) -> int | None:
    """Lines of a text file; None for standard input, a pipe or a file of more than a gibibyte."""
    from mtcli.system.text_input import open_text

    if path is None or not path.is_file() or path.stat().st_size > _LARGEST_COUNTED:
        return None
    number, last = 0, b"\n"
    with open_text(path) as text:
        while chunk := text.read(2**20):
            number, last = number + chunk.count(b"\n"), chunk
    return number + (not last.endswith(b"\n"))


def _filled(share: float, width: int) -> str:
    """A bar of so many columns, perhaps none."""
    encoding = (getattr(sys.stderr, "encoding", None) or "ascii").lower()
    done, left = "━─" if encoding.startswith("utf") else "#-"
    num_done = round(min(share, 1.0) * max(width, 0))
    return coloured(done * num_done, GREEN, sys.stderr) + left * (max(width, 0) - num_done)


def _clock(seconds: float) -> str:
    """For instance `0:07` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
