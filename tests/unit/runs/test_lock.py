"""The lock of a run folder."""

import errno
import fcntl
import os

import pytest

from mtcli.errors import RunFolderError
from mtcli.runs.lock import check_exists, check_in_place, is_in_use, locked


MOVED = r"was moved or removed while the run used it: nothing more is written there\nhint: move it"


def test_a_folder_in_its_place_may_be_written(tmp_path):
    with locked(tmp_path / "run"):
        check_in_place(tmp_path / "run")
        check_exists(tmp_path / "run")
        (tmp_path / "run/config.yaml").touch()
        (tmp_path / "run/.lock").unlink()  # somebody took it for a leftover
        check_in_place(tmp_path / "run")


def test_a_folder_that_is_gone_may_not_be_written(tmp_path):
    with locked(tmp_path / "run"):
        (tmp_path / "run").rename(tmp_path / "moved")
        for check in (check_in_place, check_exists):
            with pytest.raises(RunFolderError, match=MOVED):
                check(tmp_path / "run")
        (tmp_path / "run").mkdir()  # another one under its name
        with pytest.raises(RunFolderError, match=MOVED):
            check_in_place(tmp_path / "run")
        (tmp_path / "run/.lock").write_text("1")
        with pytest.raises(RunFolderError, match=r"is in use by another mtcli \(process 1\): noth"):
            check_in_place(tmp_path / "run")


def test_a_folder_that_is_a_file_by_now_is_one_sentence(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(RunFolderError, match="cannot read the lock of the run folder"):
        check_in_place(tmp_path / "run")


def test_a_lock_is_held_by_one(tmp_path):
    run = tmp_path / "run"
    assert not is_in_use(run)
    with locked(run):
        assert is_in_use(run)
        sentence = rf"is in use by another mtcli \(process {os.getpid()}\)\nhint: wait for it"
        with pytest.raises(RunFolderError, match=sentence), locked(run):
            pass
    assert not is_in_use(run)


def test_a_folder_that_was_renamed_before_its_lock_was_held_is_not_taken(tmp_path, monkeypatch):
    """By `--fresh` of another process: two would train in the folder that it makes anew."""
    run, flock = tmp_path / "run", fcntl.flock

    def rename_first(lock, how):
        run.rename(tmp_path / "run.1")
        if is_made_anew:
            run.mkdir()
            (run / ".lock").touch()
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", rename_first)
    for is_made_anew in (False, True):
        with pytest.raises(RunFolderError) as caught, locked(run):
            pass
        assert str(caught.value) == (
            f"{run} was moved by another process while this one opened it\n"
            "hint: run the command again"
        )
        for path in (tmp_path / "run.1", run):
            (path / ".lock").unlink(missing_ok=True)
            if path.exists():
                path.rmdir()


def test_a_full_disk_is_named_with_the_folder(tmp_path, monkeypatch):
    """The error came again when the lock was closed, without a name: "cannot write the output"."""

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(RunFolderError) as caught, locked(tmp_path / "run"):
        pass
    where = f"the run folder {tmp_path / 'run'}"
    assert str(caught.value) == f"cannot write into {where}: No space left on device"
