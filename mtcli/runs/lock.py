"""The lock that keeps two processes out of one run folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtcli.errors import RunFolderError
from mtcli.folders import is_refusal, why_refused

_LOCK = ".lock"


@contextmanager
def locked(path: Path) -> Iterator[str]:
    """Hold the run folder's lock; the system releases it when the process ends, however it ends.

    Yields:
        Why nothing is held, where the file system has no locks (Lustre, some NFS); else empty.

    Raises:
        RunFolderError: another process holds it, or the folder cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / _LOCK).open("a+")
    except OSError as error:
        raise RunFolderError(
            f"cannot write into the run folder {path}: {why_refused(path / _LOCK, error)}"
        ) from error
    why_unlocked = ""
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
            if not is_refusal(error):
                raise RunFolderError(
                    f"cannot lock the run folder {path}: {error.strerror}"
                ) from error
            why_unlocked = error.strerror or str(error)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield why_unlocked


def is_in_use(path: Path) -> bool:
    """Whether a running mtcli holds the lock of a run folder.

    False if the folder is missing, or if its file system has no locks.

    Raises:
        OSError: the lock cannot be read.
    """
    try:
        with (path / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        if not is_refusal(error):
            raise
    return False
