"""Temporary files and folders, for which some machines have no place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mtcli.errors import MtcliError


@contextmanager
def temporary_folder(prefix: str = "mtcli-") -> Iterator[Path]:
    """A new folder, which is removed at the end.

    Raises:
        MtcliError: there is no place for it.
    """
    check_place()
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        yield Path(folder)


def temporary_file() -> IO[bytes]:
    """A new file without a name, which is removed when it is closed.

    Raises:
        MtcliError: there is no place for it.
    """
    check_place()
    return tempfile.TemporaryFile()


def no_place(error: FileNotFoundError) -> MtcliError | None:
    """The error for the one that Python raises where there is no place; None for any other."""
    text = str(error.strerror or error)
    if "usable temporary directory" not in text:
        return None
    tried = text.partition("[")[2].rstrip("]").replace("'", "")
    return MtcliError(
        "no folder for temporary files can be written" + (f"; tried {tried}" if tried else ""),
        hint="set `TMPDIR` to a folder that can be written",
    )


def check_place() -> None:
    """Raise MtcliError if there is no place for temporary files."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise no_place(error) or error from None
