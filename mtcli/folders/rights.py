"""Who may read a file: the rights of what is written, and a reason where reading is refused."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from mtcli.errors import MtcliError
from mtcli.folders.refusals import is_refusal


def why_refused(path: Path, error: OSError) -> str:
    """Why a file cannot be read or written; where it is a matter of rights, with mode and owner."""
    why = error.strerror or str(error)
    if error.errno not in (errno.EACCES, errno.EPERM):
        return why
    culprit = _culprit(path.absolute())
    if culprit is None:
        return why
    try:
        status = culprit.stat()
    except OSError:
        return why
    which = "" if culprit == path.absolute() else f"the folder {culprit} has "
    mode = f"mode {status.st_mode & 0o7777:04o}"
    return f"{why} ({which}{mode}, owner {_user(status.st_uid)}; you are {_user(os.geteuid())})"


def check_readable(path: Path, error: type[MtcliError]) -> None:
    """Raise a sentence if a file cannot be opened, for libraries that do not say why.

    Raises:
        MtcliError: of class `error`: it is missing, may not be read, or is a pipe or a device.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):  # opening it may wait for ever
        raise error(f"cannot read {path}: it is not a regular file")
    try:
        path.open("rb").close()
    except OSError as cause:
        raise error(f"cannot read {path}: {why_refused(path, cause)}") from cause


def read_start(path: Path, most_bytes: int) -> bytes:
    """The first bytes of a file.

    A file that says that it is empty is not read: those of `/proc`, to which a link may lead, say
    so too, and whoever reads `/proc/kmsg` waits until the kernel has something to report.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        is_empty = stat.S_ISREG(status.st_mode) and status.st_size == 0
        return b"" if is_empty else file.read(most_bytes)


def share_files(files: list[Path], folder: Path) -> None:
    """Give files the rights that the umask gives: some libraries write for the owner alone.

    Args:
        files: what was written.
        folder: a folder that `mkdir` made meanwhile, whose rights show the umask (it can only be
            asked by changing it) and the default rights of its parent.

    Raises:
        OSError: the rights cannot be changed, although the file system knows rights.
    """
    shared = folder.stat().st_mode & 0o666
    for file in files:
        mode = file.stat().st_mode & 0o7777
        if mode | shared != mode:
            try:
                file.chmod(mode | shared)
            except OSError as error:
                if not is_refusal(error):
                    raise


def _culprit(path: Path) -> Path | None:
    """The first folder on the way that may not be entered, the file, or the folder to write to."""
    for folder in reversed(path.parents):
        if not os.path.lexists(folder):
            break
        if not os.access(folder, os.X_OK):
            return folder
    while not os.path.lexists(path):
        path = path.parent
    return None if os.access(path, os.R_OK | os.W_OK) else path


def _user(uid: int) -> str:
    """A user's name, or the number of one who has none."""
    with suppress(ImportError, KeyError):  # no pwd on Windows, no entry in a container
        import pwd

        return pwd.getpwuid(uid).pw_name
    return f"uid {uid}"
