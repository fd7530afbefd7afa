"""How an invocation of a run ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended."""

    is_finished: bool
    """False: stopped before the end, and resumable."""
    reason: str
