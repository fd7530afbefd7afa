"""Write folders and files that are complete or absent, under temporary names until they are."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtcli.errors import RunFolderError
from mtcli.folders.in_use import age_s, host, is_alive, is_in_use, shown_in_use
from mtcli.folders.manifest import MANIFEST, files_in, make_manifest
from mtcli.folders.refusals import is_refusal
from mtcli.folders.rights import share_files, why_refused

_TEMPORARY = re.compile(r"\..+\.tmp-(?P<pid>\d{1,9})-(?P<host>.+)-[0-9a-f]{8}")
_STALE_AFTER_S = 24 * 3600
"""Age after which a temporary is a leftover although its process cannot be asked."""


@contextmanager
def new_folder(path: Path, *, manifest: bool = True) -> Iterator[Path]:
    """A temporary folder to write into, which becomes `path` when the block ends without error.

    Every file is flushed to the disk before the rename, so that after a crash or a power cut
    `path` is complete or absent. The temporary folder is removed when the block fails.

    Args:
        path: name of the folder; must not exist. Its parents are made.
        manifest: whether to write `MANIFEST.json`, which `verify_folder` reads.

    Raises:
        RunFolderError: `path` exists, or something cannot be written.
    """
    from safetensors import SafetensorError  # here, because what only reads should start fast

    temporary = _temporary_name(path)
    try:
        _refuse_existing(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        with shown_in_use(temporary):
            yield temporary
            if manifest:
                write_json(temporary / MANIFEST, make_manifest(temporary))
            share_files(files_in(temporary), temporary)
            _flush_tree(temporary)
            # A rename would replace an empty folder silently, and fails on one with files.
            _refuse_existing(path)
            temporary.rename(path)
        _flush(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            _refuse_existing(path)
        raise RunFolderError(_cannot_write(path, error)) from error
    except SafetensorError as error:  # how safetensors reports a full disk
        raise RunFolderError(f"cannot write {path}: {error}") from error
    finally:
        _remove(temporary)


def remove_folder(path: Path) -> None:
    """Remove a folder; a crash on the way leaves no incomplete folder of that name.

    Raises:
        RunFolderError: the folder does not exist or cannot be removed.
    """
    doomed = _temporary_name(path)
    try:
        path.rename(doomed)
    except OSError as error:
        raise RunFolderError(f"cannot remove {path}: {why_refused(path.parent, error)}") from error
    _remove(doomed)


def write_text_atomically(path: Path, text: str) -> None:
    r"""Write a UTF-8 file such that readers, and a crash, see the old text or the new one.

    Its parent folders are made if needed. Bytes of a file name that are not UTF-8 become escapes
    such as `\udce9`, which JSON and YAML read back as that name.

    Raises:
        RunFolderError: it cannot be written.
    """
    write_bytes_atomically(path, text.encode("utf-8", "backslashreplace"))


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file such that readers, and a crash, see the old bytes or the new ones.

    Its parent folders are made if needed.

    Raises:
        RunFolderError: it cannot be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        sync(file.fileno())


def write_json(path: Path, obj: object) -> None:
    """Write `obj` as indented JSON, atomically.

    Raises:
        RunFolderError: it cannot be written.
        ValueError: `obj` holds a NaN or an infinity, which JSON does not know.
    """
    text = json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomically(path, text + "\n")


def remove_leftovers(folder: Path) -> None:
    """Remove temporaries that dead processes left in `folder`; those of live ones stay.

    Processes of another machine or container cannot be checked, and process ids are reused, so
    whatever has not changed for a day goes too. A folder that is being written stays in any case:
    its lock shows that, whatever its process is called here and however the clock was set.
    """
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        match = _TEMPORARY.fullmatch(path.name)
        if match is None:
            continue
        if is_in_use(path):
            continue
        is_local = match["host"] == host()
        if (is_local and not is_alive(int(match["pid"]))) or age_s(path) > _STALE_AFTER_S:
            _remove(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name for what replaces `path` when the block ends without error.

    Raises:
        RunFolderError: it cannot be written; its cause is the OSError.
    """
    temporary = _temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise RunFolderError(_cannot_write(path, error)) from error
    finally:
        _remove(temporary)


def _temporary_name(path: Path) -> Path:
    """A fresh hidden sibling, which tells `remove_leftovers` whose it is."""
    # absolute(): Path("..").name and Path(".").name are not names to build on
    path = path.absolute()
    return path.with_name(f".{path.name}.tmp-{os.getpid()}-{host()}-{os.urandom(4).hex()}")


def _remove(path: Path) -> None:
    """Remove a temporary, if it exists and can be removed: cleaning up hides no other error."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise RunFolderError(f"{path} already exists, and mtcli does not overwrite folders")


def _cannot_write(path: Path, error: OSError) -> str:
    """The sentence; it names the file at fault unless that is a temporary of ours."""
    where = str(error.filename or path)
    culprit = "" if ".tmp-" in where or where == str(path) else f" ({where})"
    return f"cannot write {path}: {why_refused(path, error)}{culprit}"


def _flush_tree(folder: Path) -> None:
    """Flush every file and folder below `folder`, and itself, to the disk."""
    for path in files_in(folder):
        _flush(path)
    for inner, _, _ in os.walk(folder, topdown=False):
        _flush(Path(inner))


def _flush(path: Path) -> None:
    """Flush a file or folder to the disk, where the file system can.

    Raises:
        OSError: the disk is full or broken.
    """
    if os.name != "posix" and path.is_dir():
        return  # Windows cannot open folders, and needs no flush of them
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if not (path.is_dir() and is_refusal(error)):
            raise


def sync(descriptor: int) -> None:
    """Flush what is open to the disk; nothing happens where the file system has no such call.

    Raises:
        OSError: the disk is full or broken.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not is_refusal(error):
            raise
