import errno
import fcntl
import os
import random
import sys
from pathlib import Path

import pytest

from mtcli.errors import DataError, MtcliError
from mtcli.system import packed_output
from mtcli.system.packed_output import open_output, open_written
from mtcli.system.text_input import open_text
from tests.support.packings import PACKINGS, UNPACK

NAMES = {"out": None, "out.gz": "gzip", "out.bz2": "bzip2", "out.xz": "xz", "out.ZST": "zstd"}
PACKED = [name for name in NAMES if NAMES[name]]
GENERATOR = random.Random(0)
LINES = [b"%x\n" % GENERATOR.getrandbits(800) for _ in range(1_000)]  # 200 kB
TEXT = b"".join(LINES)
MEMBER_BYTES = 60_000


@pytest.fixture(autouse=True)
def short_members(monkeypatch):
    """They are a megabyte long, which takes xz a second."""
    monkeypatch.setattr(packed_output, "_MEMBER_BYTES", MEMBER_BYTES)


def unpacked(path):
    packing = NAMES[path.name]
    content = path.read_bytes()
    return UNPACK[packing](content) if packing else content


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("texts", [[], [b"a\n"], [b"a\n", b"b"]])
def test_a_file_is_packed_as_its_name_says(tmp_path, name, texts):
    path = tmp_path / name
    with open_output(path) as sink:
        for text in texts:
            sink.write(text)
            sink.flush()
    assert unpacked(path) == b"".join(texts)


@pytest.mark.parametrize("name", PACKED)
def test_all_that_is_flushed_can_be_read_but_a_member(tmp_path, name):
    path = tmp_path / name
    sink = open_output(path)
    for number, line in enumerate(LINES):
        sink.write(line)
        if number % 50 == 49:
            sink.flush()
    with open_written(path) as written:
        found = written.read()
    assert TEXT.startswith(found)
    num_lost_bytes = len(TEXT) - len(found)
    assert num_lost_bytes <= (MEMBER_BYTES if NAMES[name] in ("xz", "bzip2") else 0)
    sink.close()
    assert unpacked(path) == TEXT


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_off_anywhere_is_resumed(tmp_path, name):
    path = tmp_path / name
    with open_output(path) as sink:
        for start in range(0, len(LINES), 100):
            sink.write(b"".join(LINES[start : start + 100]))
            sink.flush()
    whole = path.read_bytes()
    for size in (0, 1, 11, 30, len(whole) * 3 // 4, len(whole) - 1, len(whole)):
        path.write_bytes(whole[:size])
        with open_written(path) as written:
            found = written.read()
        assert TEXT.startswith(found)
        assert len(found) >= (
            size / len(whole) * len(TEXT) - 2 * MEMBER_BYTES if NAMES[name] else size
        )
        for kept in {len(found), len(found) // 2}:
            path.write_bytes(whole[:size])
            with open_output(path, kept) as sink:
                sink.write(b"the rest\n")
            assert unpacked(path) == TEXT[:kept] + b"the rest\n"


@pytest.mark.parametrize("kept", [None, 4])
@pytest.mark.parametrize("name", NAMES)
def test_a_second_writer_is_refused_and_changes_nothing(tmp_path, name, kept):
    path = tmp_path / name
    with open_output(path) as sink:
        sink.write(TEXT)
        sink.flush()
        with pytest.raises(MtcliError) as caught:
            open_output(path, kept)
    assert str(caught.value) == (
        f"{path} is being written by another mtcli\n"
        "hint: wait for it, stop it, or give the output another name"
    )
    assert unpacked(path) == TEXT
    open_output(path).close()
    assert unpacked(path) == b""


def test_a_file_system_without_locks_is_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    for _ in range(2):
        with open_output(tmp_path / "text") as sink:
            sink.write(b"a\n")
    assert (tmp_path / "text").read_bytes() == b"a\n"


def test_devices_and_pipes_are_written(tmp_path):
    with open_output(Path("/dev/null")) as sink:
        sink.write(TEXT)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with open_output(pipe) as sink:
        sink.write(b"a\n")
    assert os.read(reading, 10) == b"a\n"
    os.close(reading)


@pytest.mark.parametrize("name", PACKED)
def test_what_is_packed_otherwise_is_no_output_to_resume(tmp_path, name):
    path = tmp_path / name
    for content in (b"plain text, of an mtcli that did not pack\n", b"\0" * 20):
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            open_written(path)
        assert str(caught.value) == (
            f"{path} is not a {NAMES[name]} file\nhint: give `--output` another name"
        )


@pytest.mark.parametrize("name", PACKED)
def test_an_output_of_another_program_is_resumed(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(PACKINGS[NAMES[name]](b"a\nb\nc"))
    with open_output(path, 4) as sink:
        sink.write(b"d\n")
    assert unpacked(path) == b"a\nb\nd\n"


def test_zstd_without_its_library_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "out.zst"
    with pytest.raises(DataError) as caught:
        open_output(path)
    assert str(caught.value) == (
        f"{path} is a zstd file, and `zstandard` is not installed\nhint: install it with"
        " `pip install 'zstandard>=0.23,<1'`, or give a file whose name ends with `.gz`"
    )
    assert not path.exists()


def test_what_was_packed_is_read_as_input(tmp_path):
    for name in NAMES:
        with open_output(tmp_path / name) as sink:
            sink.write(TEXT[:10_000])
        with open_text(tmp_path / name) as text:
            assert text.read() == TEXT[:10_000]
