"""JSON that a stranger has made: every kind of it ends in one sentence, and soon."""

import hashlib
import json
import os
import signal

import pytest

from mtcli.bundle.weight_shapes import read_header
from mtcli.errors import CheckpointError, ModelFolderError, MtcliError
from mtcli.folders import link_target, read_json, verify_folder
from mtcli.folders.json_files import DEEPEST_JSON, LARGEST_JSON_BYTES
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

DEEP = "its lists and objects are nested more than 64 deep"


def deep(depth, opening=b"[", closing=b"]"):
    return opening * depth + b"1" + closing * depth


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (deep(DEEPEST_JSON + 1), DEEP),
        (deep(DEEPEST_JSON + 1, b'{"a":', b"}"), DEEP),
        (b"[" + b"[1]," * 100 + deep(DEEPEST_JSON) + b"]", DEEP),
        (deep(100_000), DEEP),
        (b"[" * 100_000, DEEP),
        (b"[" + b"7" * 10_000 + b"]", "the number " + "7" * 20 + "... (10000 digits)"),
        (b'{"a": ' + b"7" * 4_000 + b"}", "the number " + "7" * 20 + "... (4000 digits)"),
        (b"18446744073709551616", "the number 18446744073709551616 does not fit into 64 bits"),
        (b"-9223372036854775809", "the number -9223372036854775809 does not fit into 64 bits"),
        (b"1e999", "the number 1e999 is too large"),
        (b"-1e999", "the number -1e999 is too large"),
        (b"[NaN]", "NaN is not a number of JSON"),
        (b"[-Infinity]", "-Infinity is not a number of JSON"),
        (b" " * (LARGEST_JSON_BYTES + 1), "it has more than 16 MiB"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else None,
)
def test_json_of_strangers_is_refused_in_a_sentence(tmp_path, content, what):
    path = tmp_path / "j"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_json(path, CheckpointError)
    assert str(caught.value).startswith(f"{path} is damaged: {what}")


def test_what_is_just_within_the_bounds_is_read(tmp_path):
    path = tmp_path / "j"
    for content in (deep(DEEPEST_JSON), b"[18446744073709551615, -9223372036854775808, 1e308]"):
        path.write_bytes(content)
        assert read_json(path, CheckpointError) == json.loads(content)


def test_a_pipe_or_a_device_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(CheckpointError) as caught:
            read_json(tmp_path / name, CheckpointError)
        assert str(caught.value) == f"cannot read {tmp_path / name}: it is not a regular file"


def write_manifest(folder, files):
    text = json.dumps({"format_version": 1, "files": files})
    (folder / "MANIFEST.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", ["a\0b", "\0", "", ".", "/", "\ud800", "../a", "/etc/passwd"])
def test_a_manifest_lists_only_names_that_a_file_in_the_folder_can_have(tmp_path, name):
    write_manifest(tmp_path, {name: {"size_bytes": 0, "sha256": ""}})
    with pytest.raises(ModelFolderError) as caught:
        verify_folder(tmp_path, error=ModelFolderError)
    path = tmp_path / "MANIFEST.json"
    assert str(caught.value) == f"{path} is damaged: it has no valid list of files"


def test_a_manifest_may_list_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    (tmp_path / name).write_bytes(b"")
    write_manifest(tmp_path, {name: {"size_bytes": 0, "sha256": hashlib.sha256().hexdigest()}})
    verify_folder(tmp_path, error=ModelFolderError)


def test_a_device_in_a_files_place_is_not_hashed(tmp_path):
    """It says that it has 0 bytes, and never ends."""
    (tmp_path / "a").symlink_to("/dev/zero")
    write_manifest(tmp_path, {"a": {"size_bytes": 0, "sha256": ""}})
    with pytest.raises(ModelFolderError) as caught:
        verify_folder(tmp_path, error=ModelFolderError)
    assert str(caught.value) == f"{tmp_path / 'a'} is not a regular file"


@pytest.mark.parametrize("content", [deep(2_000), b'{"link_to": "a\\u0000b"}', b'{"link_to": ""}'])
def test_a_damaged_link_file_is_not_a_link(tmp_path, content):
    (tmp_path / "last").write_bytes(content)
    assert link_target(tmp_path / "last") is None


KERNEL_LOG = "/proc/kmsg"
"""A regular file, whose readers wait until the kernel has something to say."""


@pytest.mark.skipif(not os.access(KERNEL_LOG, os.R_OK), reason="needs the kernel's log")
@pytest.mark.parametrize("read", [read_json, read_header, SentencePieceTokenizer])
def test_a_link_to_a_file_whose_readers_wait_is_refused(tmp_path, read):
    def give_up(number, frame):
        raise AssertionError("it waits")

    path = tmp_path / "link"
    path.symlink_to(KERNEL_LOG)
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(10)
    try:
        with pytest.raises(MtcliError, match=f"{path} is "):
            read(path, ModelFolderError) if read is read_json else read(path)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
