"""Whose a temporary file or folder is, and whether it is still being written."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def host() -> str:
    """Where process ids mean what they mean here: the machine's name and its PID namespace.

    It has no hyphen, which separates the parts of a temporary name.
    """
    import socket  # here, because what only reads folders should start fast

    name = re.sub(r"[^\w.]", "_", socket.gethostname())[:64] or "localhost"
    with suppress(OSError):  # containers of one machine can share its name
        return name + "." + re.sub(r"\D", "", str(Path("/proc/self/ns/pid").readlink()))
    return name


@contextmanager
def shown_in_use(folder: Path) -> Iterator[None]:
    """Hold a lock on a temporary folder inside, which ends with the process, however it ends."""
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # without locks, process id and age must do
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def is_in_use(folder: Path) -> bool:
    """Whether a process holds `shown_in_use`; False where the file system has no locks."""
    if os.name != "posix" or folder.is_symlink() or not folder.is_dir():
        return False
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def is_alive(pid: int) -> bool:
    """Whether a process of `host` runs; True where the system cannot tell."""
    if os.name != "posix":
        return True  # signal 0 asks nothing there
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def age_s(path: Path) -> float:
    """Seconds since anything in `path` was last written; 0 while things come and go in it."""
    with suppress(FileNotFoundError):
        return time.time() - max(item.lstat().st_mtime for item in (path, *path.rglob("*")))
    return 0.0
