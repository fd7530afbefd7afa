"""Folders that are whole or not there: temporary names, manifests, atomic renames."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from mtcli.errors import MtcliError, RunFolderError

FORMAT_VERSION = 1
"""Version of every folder that mtcli writes; a newer one is refused, an older one is read."""

MANIFEST = "MANIFEST.json"
"""Sizes and SHA-256 of the files of a folder; written last."""

_TEMPORARY = re.compile(r"\..+\.tmp-(?P<pid>\d{1,9})-(?P<host>.+)-[0-9a-f]{8}")
_STALE_AFTER_S = 24 * 3600
"""Age after which a temporary is a leftover although its process cannot be asked."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def new_folder(path: Path, *, manifest: bool = True) -> Iterator[Path]:
    """A temporary folder to write into, that becomes `path` when the block ends without error.

    Every file is flushed to the disk before the rename, so that after a crash or a power cut
    `path` is whole or is not there. The temporary folder is removed when the block fails.

    Args:
        path: name of the folder; must not exist. Its parents are made.
        manifest: whether to write `MANIFEST.json`, which `verify_folder` reads.

    Raises:
        RunFolderError: `path` exists, or something cannot be written.
    """
    from safetensors import SafetensorError  # here, for what only reads should start fast

    temporary = _temporary_name(path)
    try:
        _refuse_existing(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        if manifest:
            files = {
                file.relative_to(temporary).as_posix(): {
                    "size_bytes": file.stat().st_size,
                    "sha256": sha256_of(file),
                }
                for file in _files_in(temporary)
            }
            write_json(temporary / MANIFEST, {"format_version": FORMAT_VERSION, "files": files})
        _flush_tree(temporary)
        # A rename would replace an empty folder silently, and fails on one with files.
        _refuse_existing(path)
        temporary.rename(path)
        _flush(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            _refuse_existing(path)
        raise RunFolderError(_cannot_write(path, error)) from error
    except SafetensorError as error:  # so comes a full disk from safetensors
        raise RunFolderError(f"cannot write {path}: {error}") from error
    finally:
        _remove(temporary)


def verify_folder(
    path: Path,
    *,
    error: type[MtcliError],
    required: Collection[str] = (),
    check_hashes: bool = True,
) -> None:
    """Check a folder against its manifest; files that the manifest does not name are ignored.

    Args:
        path: the folder.
        error: class of what is raised.
        required: files, relative to the folder, that the manifest must name.
        check_hashes: whether to read every file; without, only sizes are compared.

    Raises:
        MtcliError: of class `error`: the folder or a file is missing, a size or hash differs, the
            manifest is malformed, or the folder is of a newer format.
    """
    if not path.is_dir():
        raise error(f"{path}: there is no such folder")
    if not (path / MANIFEST).is_file():
        raise error(f"{path}: {MANIFEST} is missing, so this is not a folder that mtcli finished")
    manifest = read_json(path / MANIFEST, error)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format_version"), int):
        raise error(f"{path / MANIFEST}: no format_version found, so the manifest is damaged")
    if manifest["format_version"] > FORMAT_VERSION:
        raise error(
            f"{path} has format_version {manifest['format_version']}, but this mtcli reads up to"
            f" {FORMAT_VERSION}: it was written by a newer mtcli, please upgrade"
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(map(_is_entry, files.items())):
        raise error(f"{path / MANIFEST}: no list of files found, so the manifest is damaged")
    for name in required:
        if name not in files:
            raise error(f"{path}: {name} is missing")
    for name, entry in files.items():
        _verify_file(path / name, entry, error=error, check_hash=check_hashes)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a UTF-8 file such that readers, and a crash, see the old text or the new one.

    The folder that it lies in is made if need be.

    Raises:
        RunFolderError: it cannot be written.
    """
    write_bytes_atomically(path, text.encode("utf-8"))


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file such that readers, and a crash, see the old bytes or the new ones.

    The folder that it lies in is made if need be.

    Raises:
        RunFolderError: it cannot be written.
    """
    with _replacing(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_link(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`, in one step where it was a link already.

    Args:
        link: the link; must not be a folder or file of its own.
        target: where it points to, relative to the link's folder.

    Raises:
        RunFolderError: the link cannot be made.
    """
    if link.exists() and not link.is_symlink():
        raise RunFolderError(f"{link} is in the way: it should be a link, or not be there")
    with _replacing(link) as temporary:
        temporary.symlink_to(target)


def write_json(path: Path, obj: object) -> None:
    """Write `obj` as indented JSON, atomically.

    Raises:
        RunFolderError: it cannot be written.
        ValueError: `obj` holds a NaN or an infinity, which JSON does not know.
    """
    text = json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomically(path, text + "\n")


def read_json(path: Path, error: type[MtcliError]) -> Any:
    """What a JSON file holds.

    Raises:
        MtcliError: of class `error`: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as cause:
        raise error(f"{path}: there is no such file") from cause
    except OSError as cause:
        raise error(f"{path}: cannot be read ({cause.strerror})") from cause
    except UnicodeDecodeError as cause:
        raise error(f"{path}: damaged, byte {cause.start} is not UTF-8") from cause
    except json.JSONDecodeError as cause:
        raise error(f"{path}, line {cause.lineno}: damaged, not JSON ({cause.msg})") from cause


def remove_leftovers(folder: Path) -> None:
    """Remove temporaries that dead processes left in `folder`; those of live ones stay.

    A process of another machine cannot be asked, and a process number can be given again, so
    whatever has not changed for a day goes too.
    """
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        match = _TEMPORARY.fullmatch(path.name)
        if match is None:
            continue
        is_local = match["host"] == _host()
        if (is_local and not _is_alive(int(match["pid"]))) or _age_s(path) > _STALE_AFTER_S:
            _remove(path)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary name for what takes the place of `path` when the block ends without error."""
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
    return path.with_name(f".{path.name}.tmp-{os.getpid()}-{_host()}-{os.urandom(4).hex()}")


def _remove(path: Path) -> None:
    """Remove a temporary, if it is there and can be removed: cleaning up hides no other error."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _host() -> str:
    import socket  # here, for what only reads folders should start fast

    return re.sub(r"[^\w.]", "_", socket.gethostname())[:64] or "localhost"


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise RunFolderError(f"{path} exists already: mtcli does not write over a folder")


def _cannot_write(path: Path, error: OSError) -> str:
    """The sentence; it names the file at fault where that is not a temporary of ours."""
    where = str(error.filename or path)
    culprit = "" if ".tmp-" in where or where == str(path) else f" ({where})"
    return f"cannot write {path}: {error.strerror or error}{culprit}"


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _is_entry(item: tuple[str, object]) -> bool:
    """Whether an item of the manifest is a file inside the folder, with size and hash."""
    name, entry = item
    is_inside = not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
    return is_inside and isinstance(entry, dict) and {"size_bytes", "sha256"} <= entry.keys()


def _verify_file(
    path: Path, entry: dict[str, int | str], *, error: type[MtcliError], check_hash: bool
) -> None:
    try:
        size_bytes = path.stat().st_size
        if size_bytes != entry["size_bytes"]:
            raise error(
                f"{path}: damaged, {size_bytes} bytes found where {MANIFEST} says"
                f" {entry['size_bytes']}"
            )
        if check_hash and sha256_of(path) != entry["sha256"]:
            raise error(f"{path}: damaged, its SHA-256 is not the one in {MANIFEST}")
    except FileNotFoundError as cause:
        raise error(f"{path}: the file is missing, although {MANIFEST} names it") from cause
    except OSError as cause:
        raise error(f"{path}: cannot be read ({cause.strerror})") from cause


def _flush_tree(folder: Path) -> None:
    """Flush every file and folder below `folder`, and itself, to the disk."""
    for path in _files_in(folder):
        _flush(path)
    for inner, _, _ in os.walk(folder, topdown=False):
        _flush(Path(inner))


def _flush(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return  # Windows cannot open folders, and needs no flush of them
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # there, signal 0 is not a question
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _age_s(path: Path) -> float:
    """Seconds since anything in `path` was last written; 0 while things come and go in it."""
    with suppress(FileNotFoundError):
        return time.time() - max(item.lstat().st_mtime for item in (path, *path.rglob("*")))
    return 0.0
