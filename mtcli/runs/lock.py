"""The lock that keeps two processes out of one run folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtcli.errors import RunFolderError

_LOCK = ".lock"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the run folder's lock; the system releases it when the process ends, however it ends.

    Raises:
        RunFolderError: another process holds it, or the folder cannot be written or locked.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / _LOCK).open("a+")
    except OSError as error:
        raise RunFolderError(
            f"cannot write into the run folder {path}: {error.strerror}"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise RunFolderError(
                f"{path} is in use by another mtcli (process {holder})",
                hint="wait for it, stop it, or give this run another `run_dir`",
            ) from None
        except OSError as error:
            raise RunFolderError(
                f"cannot lock the run folder {path}: {error.strerror}",
                hint="put `run_dir` on a file system that supports file locks (flock)",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def is_in_use(path: Path) -> bool:
    """Whether a running mtcli holds the lock of a run folder; False if the folder is missing."""
    try:
        with (path / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
