import errno
import json
import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mtcli.errors import CheckpointError, DataError, ModelFolderError, RunFolderError
from mtcli.folders import (
    FORMAT_VERSION,
    new_folder,
    read_json,
    remove_folder,
    remove_leftovers,
    replace_link,
    sha256_of,
    verify_folder,
    write_json,
    write_text_atomically,
)
from mtcli.folders.in_use import host


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "deep" / "model"
    with new_folder(path) as temporary:
        (temporary / "a.bin").write_bytes(b"hello")
        (temporary / "inner").mkdir()
        (temporary / "inner" / "b.txt").write_bytes(b"")
    return path


def names(path):
    return sorted(item.name for item in path.iterdir())


def test_sha256_is_that_of_the_bytes(tmp_path):
    # printf abc | sha256sum
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_finished_folder_has_its_files_and_a_manifest(folder):
    assert names(folder) == ["MANIFEST.json", "a.bin", "inner"]
    assert names(folder.parent) == ["model"]
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert manifest["format_version"] == FORMAT_VERSION
    assert manifest["files"].keys() == {"a.bin", "inner/b.txt"}
    assert manifest["files"]["a.bin"] == {
        "size_bytes": 5,
        "sha256": sha256_of(folder / "a.bin"),
    }
    verify_folder(folder, error=DataError, required=["a.bin", "inner/b.txt"])


def test_a_folder_has_the_rights_that_mkdir_gives(folder, tmp_path):
    (tmp_path / "plain").mkdir()
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002, 0o077])
def test_files_get_the_rights_that_the_umask_gives(tmp_path, umask):
    """Some libraries write for the owner alone, safetensors for one."""
    before = os.umask(umask)
    try:
        with new_folder(tmp_path / "x") as folder:
            save_file({"a": np.zeros(3)}, folder / "a.safetensors")
            (folder / "program").touch(0o777)
            (folder / "plain").touch()
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "x").iterdir()}
    assert modes == {
        "a.safetensors": 0o666 & ~umask,
        "plain": 0o666 & ~umask,
        "MANIFEST.json": 0o666 & ~umask,
        "program": 0o777 & ~umask,
    }


def test_a_file_system_without_rights_is_no_obstacle(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "chmod", refuse)
    with new_folder(tmp_path / "x") as folder:
        save_file({"a": np.zeros(3)}, folder / "a.safetensors")
    assert (tmp_path / "x" / "a.safetensors").exists()


def test_no_manifest_on_request(tmp_path):
    with new_folder(tmp_path / "x", manifest=False) as temporary:
        (temporary / "f").touch()
    assert names(tmp_path / "x") == ["f"]


def test_the_folder_is_not_there_before_the_block_ends(tmp_path):
    with new_folder(tmp_path / "x") as temporary:
        assert not (tmp_path / "x").exists()
        assert temporary.parent == tmp_path


@pytest.mark.parametrize("kind", ["empty", "full", "file", "dangling"])
def test_an_existing_name_is_refused(tmp_path, kind):
    path = tmp_path / "x"
    if kind == "file":
        path.touch()
    elif kind == "dangling":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
        if kind == "full":
            (path / "precious").write_text("1")
    with pytest.raises(RunFolderError) as caught, new_folder(path):
        pytest.fail("the block must not run")
    assert str(caught.value) == f"{path} already exists, and mtcli does not overwrite folders"
    assert names(tmp_path) == ["x"]
    assert kind != "full" or (path / "precious").read_text() == "1"


@pytest.mark.parametrize("is_full", [True, False])
def test_a_name_taken_meanwhile_is_refused(tmp_path, is_full):
    path = tmp_path / "x"

    def lose_the_race():
        with new_folder(path):
            path.mkdir()
            if is_full:
                (path / "theirs").touch()

    with pytest.raises(RunFolderError, match="already exists"):
        lose_the_race()
    assert names(tmp_path) == ["x"]
    assert names(path) == (["theirs"] if is_full else [])


def write_and_raise(path, error):
    with new_folder(path) as temporary:
        (temporary / "f").touch()
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, DataError])
def test_a_failing_block_leaves_nothing_and_keeps_its_error(tmp_path, error):
    with pytest.raises(error, match="why"):
        write_and_raise(tmp_path / "x", error("why"))
    assert names(tmp_path) == []


def test_a_full_disk_is_one_sentence(tmp_path):
    with pytest.raises(RunFolderError) as caught:
        write_and_raise(tmp_path / "x", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert str(caught.value) == f"cannot write {tmp_path / 'x'}: No space left on device"
    assert names(tmp_path) == []


def test_a_full_disk_met_by_safetensors_is_one_sentence(tmp_path):
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "import numpy; from safetensors.numpy import save_file\n"
        "from mtcli.folders import new_folder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (999, 999))\n"
        "with new_folder(Path(sys.argv[1])) as folder:\n"
        "    save_file({'a': numpy.zeros(999)}, folder / 'f')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x")]
    root = Path(__file__).parents[2]
    result = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)
    last_line = result.stderr.strip().split("\n")[-1]
    assert last_line.startswith(f"mtcli.errors.RunFolderError: cannot write {tmp_path / 'x'}: ")
    assert "File too large" in last_line
    assert names(tmp_path) == []


def test_a_parent_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "x"
    with pytest.raises(RunFolderError) as caught, new_folder(path):
        pytest.fail("the block must not run")
    assert str(caught.value) == f"cannot write {path}: File exists ({path.parent})"


def damage_size(folder):
    (folder / "a.bin").write_bytes(b"hello!")


def damage_bytes(folder):
    (folder / "a.bin").write_bytes(b"hellO")


def remove_file(folder):
    (folder / "inner" / "b.txt").unlink()


def remove_manifest(folder):
    (folder / "MANIFEST.json").unlink()


def empty_manifest(folder):
    (folder / "MANIFEST.json").write_text("{}")


def truncate_manifest(folder):
    (folder / "MANIFEST.json").write_text('{"format_version": 1,')


def escape(folder):
    entry = {"size_bytes": 0, "sha256": ""}
    (folder / "MANIFEST.json").write_text(
        json.dumps({"format_version": 1, "files": {"../../x": entry}})
    )


def newer(folder):
    (folder / "MANIFEST.json").write_text(json.dumps({"format_version": 99, "new": True}))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (damage_size, "{}/a.bin is damaged: it has 6 bytes, but `MANIFEST.json` says 5"),
        (damage_bytes, "{}/a.bin is damaged: its SHA-256 is not the one in `MANIFEST.json`"),
        (remove_file, "{} is incomplete: `inner/b.txt` is missing"),
        (remove_manifest, "{} is incomplete: `MANIFEST.json` is missing"),
        (empty_manifest, "{}/MANIFEST.json is damaged: it has no `format_version`"),
        (escape, "{}/MANIFEST.json is damaged: it has no valid list of files"),
        (
            newer,
            "{} has format_version 99, but this mtcli reads versions up to 1\n"
            "hint: upgrade mtcli; a newer version wrote this",
        ),
    ],
)
def test_damage_is_named(folder, change, sentence):
    change(folder)
    with pytest.raises(ModelFolderError) as caught:
        verify_folder(folder, error=ModelFolderError)
    assert str(caught.value) == sentence.format(folder)


def test_a_truncated_manifest_is_named_with_its_line(folder):
    truncate_manifest(folder)
    with pytest.raises(ModelFolderError, match=r"MANIFEST.json is damaged: line 1 is not JSON"):
        verify_folder(folder, error=ModelFolderError)


def test_a_required_file_and_a_missing_folder_are_named(folder, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        verify_folder(folder, error=CheckpointError, required=["state.json"])
    assert str(caught.value) == f"{folder} is incomplete: `state.json` is missing"
    with pytest.raises(CheckpointError) as caught:
        verify_folder(tmp_path / "no", error=CheckpointError)
    assert str(caught.value) == f"{tmp_path / 'no'} does not exist"
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError) as caught:
        verify_folder(tmp_path / "file", error=CheckpointError)
    assert str(caught.value) == f"{tmp_path / 'file'} is a file"


def test_files_added_later_are_no_damage(folder):
    (folder / "extra").touch()
    verify_folder(folder, error=DataError)


def test_text_is_replaced_whole_with_its_line_ends(tmp_path):
    path = tmp_path / "new" / "t"
    write_text_atomically(path, "old")
    write_text_atomically(path, "neu\r\nü\n")
    assert path.read_bytes() == "neu\r\nü\n".encode()
    assert names(tmp_path / "new") == ["t"]


def test_text_that_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / "t").mkdir()
    with pytest.raises(RunFolderError) as caught:
        write_text_atomically(tmp_path / "t", "x")
    assert str(caught.value) == f"cannot write {tmp_path / 't'}: Is a directory"
    assert names(tmp_path) == ["t"]
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError) as caught:
        write_text_atomically(tmp_path / "file" / "t", "x")
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'file' / 't'}: File exists ({tmp_path / 'file'})"
    )


def test_a_link_moves_from_one_full_folder_to_another(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    replace_link(tmp_path / "best", "one")
    replace_link(tmp_path / "best", "two")
    assert (tmp_path / "best" / "f").read_text() == "two"
    assert (tmp_path / "best").readlink() == Path("two")
    assert names(tmp_path) == ["best", "one", "two"]


def test_a_dangling_link_is_replaced_and_a_folder_is_not(tmp_path):
    (tmp_path / "best").symlink_to("gone")
    replace_link(tmp_path / "best", "new")
    assert (tmp_path / "best").readlink() == Path("new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunFolderError) as caught:
        replace_link(tmp_path / "folder", "new")
    assert str(caught.value) == (
        f"{tmp_path / 'folder'} is a folder, but mtcli keeps a link there\n"
        "hint: move it away, then run the command again"
    )
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot write"):
        replace_link(tmp_path / "file" / "link", "x")


def test_json_round_trip_keeps_order_and_letters(tmp_path):
    obj = {"z": "käse 木", "a": [1, 2.5, None, True]}
    write_json(tmp_path / "j", obj)
    assert list(read_json(tmp_path / "j", DataError).items()) == list(obj.items())
    assert "käse 木" in (tmp_path / "j").read_text(encoding="utf-8")


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "j", {"loss": float("nan")})
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "{} does not exist"),
        (b'{\n"a": }', "{} is damaged: line 2 is not JSON (Expecting value)"),
        (b'"\xff"', "{} is damaged: byte 1 is not UTF-8"),
    ],
)
def test_bad_json_is_named(tmp_path, content, sentence):
    path = tmp_path / "j"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_json(path, CheckpointError)
    assert str(caught.value) == sentence.format(path)


def test_json_in_a_folders_place_is_named(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        read_json(tmp_path, CheckpointError)
    assert str(caught.value) == f"cannot read {tmp_path}: Is a directory"


def test_leftovers_of_a_killed_process_go_and_those_of_a_live_one_stay(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from mtcli.folders import new_folder\n"
        "with new_folder(Path(sys.argv[1]) / 'x') as folder:\n"
        "    (folder / 'f').touch(); os._exit(1)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=root)
    (leftover,) = tmp_path.iterdir()
    (tmp_path / ".keep").touch()
    with new_folder(tmp_path / "y") as temporary:
        remove_leftovers(tmp_path)
        assert not leftover.exists()
        assert temporary.exists()
    assert names(tmp_path) == [".keep", "y"]


def test_a_removed_folder_is_gone_and_a_missing_one_is_named(folder):
    remove_folder(folder)
    assert names(folder.parent) == []
    with pytest.raises(RunFolderError) as caught:
        remove_folder(folder)
    assert str(caught.value) == f"cannot remove {folder}: No such file or directory"


def test_leftovers_of_another_machine_go_after_a_day(tmp_path):
    fresh, stale = (tmp_path / f".x.tmp-1-elsewhere-0000000{i}" for i in range(2))
    fresh.mkdir()
    stale.mkdir()
    (stale / "f").touch()
    yesterday = time.time() - 25 * 3600
    os.utime(stale, (yesterday, yesterday))
    remove_leftovers(tmp_path)
    assert stale.exists()  # the file inside is fresh
    os.utime(stale / "f", (yesterday, yesterday))
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [fresh.name]


def test_a_folder_that_is_written_stays_although_the_clock_has_jumped(tmp_path):
    with new_folder(tmp_path / "x") as temporary:
        (temporary / "f").touch()
        for path in (temporary / "f", temporary):
            os.utime(path, (0, 0))
        remove_leftovers(tmp_path)
        assert temporary.exists()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["x"]


def test_leftovers_of_another_container_with_this_machines_name_stay_for_a_day(tmp_path):
    """Its process ids mean nothing here: 4194304 is above all that Linux gives."""
    ours = f".x.tmp-4194304-{host()}-00000000"
    theirs = ours.replace(host(), re.sub(r"\d+$", "1", host()))
    assert theirs != ours
    for name in (ours, theirs):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [theirs]


def test_a_leftover_file_goes_and_no_folder_is_no_error(tmp_path):
    path = tmp_path / ".t.tmp-1-elsewhere-00000000"
    path.touch()
    os.utime(path, (0, 0))
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []
    remove_leftovers(tmp_path / "no")


def test_a_file_that_the_manifest_does_not_list_is_named(folder):
    (folder / "extra").touch()
    with pytest.raises(DataError) as caught:
        verify_folder(folder, error=DataError, required=["extra"])
    assert str(caught.value) == f"{folder}/MANIFEST.json is damaged: it does not list `extra`"


def test_a_half_removed_folder_of_a_dead_process_goes_whatever_the_host_is_called(tmp_path):
    code = (
        "import os, platform, shutil, socket, sys; from pathlib import Path\n"
        "socket.gethostname = platform.node = lambda: 'ip-10-0-0-7'\n"
        "from mtcli.runs.folder import RunFolder\n"
        "from mtcli.runs.retention import prune\n"
        "run = RunFolder(Path(sys.argv[1]))\n"
        "for step in (1, 2): run.checkpoint(step).mkdir(parents=True)\n"
        "shutil.rmtree = lambda path, **_: None if 'ignore_errors' in _ else os._exit(1)\n"
        "prune(run, keep_last=1, keep_checkpoints=1, best_steps=())"
    )
    look = (
        "import socket, sys; from pathlib import Path\n"
        "socket.gethostname = lambda: 'ip-10-0-0-7'\n"
        "from mtcli.folders import remove_leftovers\n"
        "remove_leftovers(Path(sys.argv[1]) / 'checkpoints')"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=root)
    assert len(names(tmp_path / "checkpoints")) == 2
    subprocess.run([sys.executable, "-c", look, str(tmp_path)], check=True, cwd=root)
    assert names(tmp_path / "checkpoints") == ["step_00000002"]
