"""train.log: everything that mtcli logs while a run trains."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class _LogFile(logging.FileHandler):
    """A log file that drops lines it cannot write; saving a checkpoint reports a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore errors of the disk; anything else is a bug and is raised."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Within the context, what mtcli logs is written to the file, too."""
    handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
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
        with suppress(OSError):  # it tries once more to write what it could not write
            handler.close()
