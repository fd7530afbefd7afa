"""The lock that keeps two processes out of one run folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mtcli.errors import RunFolderError
from mtcli.folders import is_refusal, why_refused
from mtcli.runs.folder import RunFolder

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
        raise _cannot_write(path, error) from error
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
        if not why_unlocked:
            _refuse_renamed(path, lock)
        try:
            os.ftruncate(lock.fileno(), 0)
            os.write(lock.fileno(), str(os.getpid()).encode())
        except OSError as error:
            raise _cannot_write(path, error) from error
        yield why_unlocked


def check_in_place(path: Path) -> None:
    """Refuse to write into a run folder that this process locked and that is gone from its place.

    Otherwise half a run folder would be made again under the old name.

    Raises:
        RunFolderError: the folder was moved, removed, or taken by another mtcli since.
    """
    try:
        holder = (path / _LOCK).read_text("ascii", "replace").strip()
        if holder != str(os.getpid()):
            raise RunFolderError(
                f"{path} is in use by another mtcli (process {holder or 'unknown'}): nothing more"
                " is written there",
                hint="give this run another `run_dir`",
            )
    except FileNotFoundError:
        if not RunFolder(path).config.exists():  # or somebody removed the lock alone
            raise _gone(path) from None
    except OSError as error:
        raise RunFolderError(
            f"cannot read the lock of the run folder {path}: {why_refused(path / _LOCK, error)}"
        ) from error


def check_exists(path: Path) -> None:
    """The same while a run is prepared, which `mtcli bench` does without a lock.

    Raises:
        RunFolderError: the folder was moved or removed.
    """
    if not path.is_dir():
        raise _gone(path)


def _cannot_write(path: Path, error: OSError) -> RunFolderError:
    lock = path / _LOCK
    why = f"{lock} is a folder" if lock.is_dir() else why_refused(lock, error)
    return RunFolderError(f"cannot write into the run folder {path}: {why}")


def _refuse_renamed(path: Path, lock: IO[str]) -> None:
    """Raise RunFolderError if another process renamed the folder before its lock was held."""
    try:
        is_same = os.path.samestat((path / _LOCK).stat(), os.fstat(lock.fileno()))
    except FileNotFoundError:
        is_same = False
    if not is_same:
        raise RunFolderError(
            f"{path} was moved by another process while this one opened it",
            hint="run the command again",
        )


def _gone(path: Path) -> RunFolderError:
    """The error of a run folder that is not in its place any more."""
    return RunFolderError(
        f"{path} was moved or removed while the run used it: nothing more is written there",
        hint="move it back and run the same command again, which resumes from its last checkpoint,"
        " or give its new place with `--set run_dir=...`",
    )


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
