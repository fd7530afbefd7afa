"""Hold back the effect of all signals while something is done that must not be broken."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def postponed() -> Iterator[Sequence[int]]:
    """Inside, signals are only noted, and take effect at the end: for what must not be broken.

    Masking them would not do: a thread of a library, which has them unmasked, may be the one that
    gets them, and their handlers still run in this one.

    Yields:
        The signals that had handlers. A process that is forked inside notes them, too, until it
        does something else about them.
    """
    noted: list[int] = []
    previous = {}
    try:
        if threading.current_thread() is threading.main_thread():  # the others hear none
            for number in signal.valid_signals():
                if callable(handler := signal.getsignal(number)):
                    previous[number] = handler
                    signal.signal(number, lambda number, _frame: noted.append(number))
        yield list(previous)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(noted):
            signal.raise_signal(late)
