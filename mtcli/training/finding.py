"""One part of what `mtcli train --check` finds: for people as lines, for programs as values."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One part of what a check finds."""

    name: str
    """Its key in the JSON object."""
    values: Mapping[str, Any] | list[str]
    """Its value there."""
    lines: list[str]
    """The same for people."""


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """A list that gets, inside, what mtcli logs as a warning, each sentence once.

    So a check tells every warning of the code that it shares with training, whoever adds one.
    """
    collector = _Collector()
    package = logging.getLogger("mtcli")
    package.addHandler(collector)
    try:
        yield collector.sentences
    finally:
        package.removeHandler(collector)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() not in self.sentences:
            self.sentences.append(record.getMessage())
