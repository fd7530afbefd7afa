"""Small pictures in one line of text: a bar of what is done, and a curve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.text import Text

_STEPS, _ASCII_STEPS = "▁▂▃▄▅▆▇█", "_.-=*#"


def sparkline(values: Sequence[float], width: int, *, is_ascii: bool) -> str:
    """The values as columns between their lowest and their highest, the newest at the right.

    Args:
        values: finite numbers, oldest first; more than `width` are averaged in groups.
        width: most columns.
        is_ascii: whether the terminal lacks block characters.
    """
    if not values or width < 1:
        return ""
    steps = _ASCII_STEPS if is_ascii else _STEPS
    columns = _averaged(values, min(width, len(values)))
    low, high = min(columns), max(columns)
    span = (high - low) or 1.0
    return "".join(steps[round((value - low) / span * (len(steps) - 1))] for value in columns)


def bar(share: float, width: int, *, is_ascii: bool) -> Text:
    """A bar of `width` columns, filled from the left by a share from 0 to 1."""
    num_done = round(min(max(share, 0.0), 1.0) * width)
    done, left = ("#", "-") if is_ascii else ("━", "─")
    return Text.assemble((done * num_done, "green"), (left * (width - num_done), "bright_black"))


def _averaged(values: Sequence[float], num_columns: int) -> list[float]:
    """The values in groups of about equal size, each as its mean."""
    edges = [place * len(values) // num_columns for place in range(num_columns + 1)]
    groups = [values[start:end] for start, end in pairwise(edges)]
    return [sum(group) / len(group) for group in groups]


class History:
    """The course of a figure in bounded memory: when it is full, neighbours are averaged."""

    _MOST = 512

    def __init__(self) -> None:
        self.values: list[float] = []
        self._pending: list[float] = []
        self._per_value = 1

    def add(self, value: float) -> None:
        """Take a new value, which must be finite."""
        self._pending.append(value)
        if len(self._pending) < self._per_value:
            return
        self.values.append(sum(self._pending) / len(self._pending))
        self._pending.clear()
        if len(self.values) == self._MOST:
            self.values = _averaged(self.values, self._MOST // 2)
            self._per_value *= 2
