"""How those who wait for many sentences are told how far they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many sentences are done of how many, by the thread that waits for the answers."""


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""
