"""train.log: what mtcli says while a run trains."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class _LogFile(logging.FileHandler):
    """A log that goes on without what cannot be written: a checkpoint says so in one sentence."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Raise what is a bug."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Inside, what mtcli logs goes to the file, too."""
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package = logging.getLogger("mtcli")
    level = package.level
    package.addHandler(handler)
    package.setLevel(logging.INFO if level == logging.NOTSET else min(level, logging.INFO))
    try:
        yield
    finally:
        package.removeHandler(handler)
        package.setLevel(level)
        with suppress(OSError):  # what it could not write, it tries once more
            handler.close()
