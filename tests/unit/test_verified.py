"""What was hashed once is not hashed again until it changes, in any way that a file can change."""

import json
import os
import time

import pytest

from mtcli.errors import DataError
from mtcli.folders import MANIFEST, new_folder, verified, verify_folder, verifying

SIZE = verified.LARGE_BYTES


@pytest.fixture
def folder(tmp_path):
    """A folder with a large file, which is older than what is too young to be remembered."""
    with new_folder(tmp_path / "model") as folder:
        (folder / "large").write_bytes(bytes(SIZE))
        (folder / "small").write_bytes(bytes(SIZE - 1))
    return tmp_path / "model"


@pytest.fixture
def hashed(monkeypatch):
    """The names of the files that are hashed, as they come."""
    names = []
    real = verifying.sha256_of
    monkeypatch.setattr(
        verifying, "sha256_of", lambda path: (names.append(path.name), real(path))[1]
    )
    return names


@pytest.fixture
def settled(monkeypatch):
    monkeypatch.setattr(verified, "_SETTLED_AFTER_NS", -1)


def check(folder, memory="memory"):
    verify_folder(folder, error=DataError, memory=memory and folder.parent / memory)


def test_a_large_file_is_hashed_once(folder, hashed, settled):
    for _ in range(3):
        check(folder)
    assert hashed == ["large", "small", "small", "small"]
    check(folder, memory=None)
    assert hashed[4:] == ["large", "small"]


def test_a_file_that_is_too_young_is_not_remembered(folder, hashed):
    for _ in range(2):
        check(folder)
    assert hashed.count("large") == 2
    assert not (folder.parent / "memory").exists()


def rewritten(path):
    path.write_bytes(b"x" * SIZE)


def rewritten_with_its_old_time(path):
    before = path.stat()
    rewritten(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_by_another(path):
    before = path.stat()
    other = path.with_name("other")
    rewritten(other)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def one_bit_through_a_map(path):
    import mmap

    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        content[SIZE // 2] ^= 1
        content.flush()


@pytest.mark.parametrize(
    "change",
    [rewritten, rewritten_with_its_old_time, replaced_by_another, one_bit_through_a_map],
    ids=lambda change: change.__name__,
)
def test_however_a_file_changes_it_is_found(folder, settled, change):
    check(folder)
    time.sleep(0.02)  # clocks of file systems tick every few milliseconds
    change(folder / "large")
    for _ in range(2):
        with pytest.raises(DataError, match="large is damaged: its SHA-256 is not the one in"):
            check(folder)


def test_what_the_manifest_now_says_is_checked_again(folder, settled):
    check(folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["large"]["sha256"] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="large is damaged"):
        check(folder)


def test_after_a_day_it_is_hashed_again(folder, hashed, settled, monkeypatch):
    check(folder)
    now = time.time()
    monkeypatch.setattr(verified.time, "time", lambda: now + verified.VALID_FOR_S + 1)
    check(folder)
    monkeypatch.setattr(verified.time, "time", lambda: now - 1)  # the clock was set back
    check(folder)
    assert hashed.count("large") == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"files": []}',
        b'{"files": {"large": 3}}',
        b'{"files": {"large": {"sha256": 3}}}',
    ],
)
def test_a_damaged_memory_is_no_obstacle_and_is_made_again(folder, hashed, settled, content):
    check(folder)
    (file,) = (folder.parent / "memory").iterdir()
    file.write_bytes(content)
    check(folder)
    check(folder)
    assert hashed.count("large") == 2


def test_every_changed_byte_of_the_memory_hides_no_damage(folder, settled):
    """It can only spare the hash of a file that the manifest asks for, and that is as it was."""
    check(folder)
    time.sleep(0.02)
    rewritten(folder / "large")
    (file,) = (folder.parent / "memory").iterdir()
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DataError, match="large is damaged"):
            check(folder)


def test_a_memory_that_cannot_be_written_is_no_obstacle(folder, hashed, settled):
    (folder.parent / "memory").touch()
    for _ in range(2):
        check(folder)
    assert hashed.count("large") == 2


def test_the_oldest_folders_are_forgotten(folder, settled, monkeypatch):
    monkeypatch.setattr(verified, "_MOST_FOLDERS", 3)
    memory = folder.parent / "memory"
    memory.mkdir()
    for age, name in enumerate("abcd"):
        (memory / f"{name}.json").write_text("{}")
        os.utime(memory / f"{name}.json", (1000 - age, 1000 - age))
    check(folder)
    names = {file.name for file in memory.iterdir()}
    assert {"a.json", "b.json"} < names
    assert len(names) == 3
