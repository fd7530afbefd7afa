"""Open a file for writing that no other mtcli is writing."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from mtcli.errors import MtcliError


def open_alone(path: Path, num_kept_bytes: int = 0) -> BinaryIO:
    """Open a file for writing, and keep other mtcli out until it is closed.

    A pipe or a device is opened as usual, and so is a file where the file system has no locks.

    Args:
        path: the file; it need not exist.
        num_kept_bytes: what stays of its content; the rest is cut off.

    Raises:
        MtcliError: another process is writing it, and nothing was changed.
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            if os.name == "posix":
                _lock(descriptor, path)
            os.ftruncate(descriptor, num_kept_bytes)
            os.lseek(descriptor, num_kept_bytes, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "wb")


def _lock(descriptor: int, path: Path) -> None:
    import fcntl  # here, because Windows has none

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MtcliError(
            f"{path} is being written by another mtcli",
            hint="wait for it, stop it, or give the output another name",
        ) from None
    except OSError:
        return  # no locks here: Lustre, some NFS
