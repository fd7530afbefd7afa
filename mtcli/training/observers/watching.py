"""Let observers see how many pairs have been read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from mtcli.training.observers.protocol import Observer

_T = TypeVar("_T")

_EVERY_PAIRS = 1000
"""Reading a pair takes microseconds: telling of each would take as long."""


def watched(pairs: Iterable[_T], observer: Observer) -> Iterator[_T]:
    """The same pairs; the observer is told how many there were so far, and in the end."""
    number = 0
    for number, pair in enumerate(pairs, start=1):
        if number % _EVERY_PAIRS == 0:
            observer.advanced(number, None)
        yield pair
    observer.advanced(number, None)
