"""Every place that links, locks or syncs, on file systems that refuse it in every way they do."""

import errno
import fcntl
import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from mtcli import Translator
from mtcli.config.load import load_config
from mtcli.errors import DataError, ModelFolderError, RunFolderError
from mtcli.folders import (
    follow_link,
    link_target,
    new_folder,
    replace_link,
    verify_folder,
    write_text_atomically,
)
from mtcli.runs.copies import relink_copies
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import is_in_use, locked
from mtcli.runs.resolve import resolve_model
from mtcli.runs.retention import cut_back, keep_newest_stop, rename_aside
from mtcli.training.setup import train
from tests.support.small_run import write_run

REFUSALS = ["EPERM", "EACCES", "ENOSYS", "EOPNOTSUPP", "ENOTSUP", "EINVAL", "ENOLCK", "EROFS"]
"""exFAT: EPERM; Google Drive, SMB: EOPNOTSUPP; FUSE, Lustre: ENOSYS; NFS: ENOLCK; VirtualBox:
EROFS; a folder that cannot be synced: EINVAL."""

FAULTS = ["EIO", "ENOSPC", "EDQUOT"]
"""The disk breaks or is full: no question of features."""


@pytest.fixture
def refuse(monkeypatch):
    """Let the system's symlink, flock, or fsync of folders or files fail."""
    fsync = os.fsync

    def fails(name):
        number = getattr(errno, name)

        def fail(*_, **__):
            raise OSError(number, os.strerror(number))

        return fail

    def refuse(what, name):
        fail = fails(name)
        if what == "symlink":
            monkeypatch.setattr(os, "symlink", fail)
        elif what == "flock":
            monkeypatch.setattr(fcntl, "flock", fail)
        elif what == "rename":
            monkeypatch.setattr(os, "rename", fail)
        else:
            is_hit = stat.S_ISDIR if what == "sync of folders" else stat.S_ISREG
            monkeypatch.setattr(
                os, "fsync", lambda fd: fail() if is_hit(os.fstat(fd).st_mode) else fsync(fd)
            )

    return refuse


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "run")
    for step in (2, 4):
        with new_folder(run.model(step)) as folder:
            (folder / "model.json").write_text(f'{{"step": {step}}}')
        with new_folder(run.checkpoint(step)) as folder:
            (folder / "state.json").write_text(f'{{"step": {step}}}')
    run.metrics.write_text("")
    return run


@pytest.mark.parametrize("name", REFUSALS)
def test_a_link_becomes_a_file_that_names_the_target(run, refuse, name):
    refuse("symlink", name)
    for step in (2, 4):
        run.point_best(run.model(step))
        run.point_last(run.checkpoint(step))
        assert json.loads(run.best.read_bytes()) == {
            "format_version": 1,
            "link_to": f"models/step_0000000{step}",
        }
        assert resolve_model(run.path) == resolve_model(run.best) == run.model(step)
        assert follow_link(run.last) == run.checkpoint(step)
        assert run.best_model() == run.model(step)
    assert sorted(p.name for p in run.path.iterdir()) == [
        *("best", "checkpoints", "last", "metrics.jsonl", "models"),
    ]
    run.point_best(None)
    assert not run.best.exists()


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_or_full_disk_makes_no_link_at_all(run, refuse, name):
    refuse("symlink", name)
    with pytest.raises(RunFolderError) as caught:
        run.point_best(run.model(2))
    assert str(caught.value) == f"cannot write {run.best}: {os.strerror(getattr(errno, name))}"
    assert not run.best.exists()


def test_a_run_may_move_between_file_systems(run, refuse, monkeypatch):
    with monkeypatch.context() as poor:
        poor.setattr(
            os, "symlink", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EPERM, ""))
        )
        run.point_best(run.model(2))
    assert not run.best.is_symlink()
    run.point_best(run.model(4))
    assert run.best.is_symlink()
    refuse("symlink", "EPERM")
    run.point_best(run.model(2))
    assert not run.best.is_symlink()
    assert run.best_model() == run.model(2)


def test_what_looks_at_links_looks_at_link_files(run, refuse):
    refuse("symlink", "EOPNOTSUPP")
    for step in (6, 8):
        run.stopped.model(step).mkdir(parents=True)
        run.stopped.checkpoint(step).mkdir(parents=True)
    run.point_best(run.stopped.model(6))
    run.point_last(run.stopped.checkpoint(8))
    keep_newest_stop(run)
    assert run.stopped.model_steps() == [6, 8]  # the best one stays
    cut_back(run, 8, best_step=4)
    assert run.best_model() == run.stopped.model(6)
    cut_back(run, 4, best_step=4)
    assert run.best_model() == run.model(4)


@pytest.mark.parametrize(
    "content", ["", "models/step_00000002", "[]", "{}", '{"link_to": 1}', '{"link_to": ""}', "\xff"]
)
def test_a_file_of_the_users_is_no_link(run, content):
    run.best.write_text(content, encoding="latin-1")
    assert link_target(run.best) is None
    with pytest.raises(RunFolderError, match="is a file, but mtcli keeps a link there"):
        replace_link(run.best, "models/step_00000002")
    assert run.best.read_text(encoding="latin-1") == content


@pytest.mark.parametrize("target", ["/etc", "../other", "models/../../x"])
def test_a_link_file_leads_nowhere_else(run, target):
    run.best.write_text(json.dumps({"link_to": target}))
    assert link_target(run.best) is None


def test_a_link_file_whose_target_is_gone(run):
    run.best.write_text(json.dumps({"link_to": "models/step_00000009"}))
    with pytest.raises(ModelFolderError) as caught:
        resolve_model(run.path)
    assert str(caught.value) == (f"{run.best} points to models/step_00000009, which does not exist")


@pytest.mark.parametrize("name", REFUSALS)
def test_without_locks_a_run_is_not_in_use(tmp_path, refuse, name):
    refuse("flock", name)
    with locked(tmp_path / "run") as why_unlocked:
        assert why_unlocked == os.strerror(getattr(errno, name))
        assert not is_in_use(tmp_path / "run")


def test_a_broken_disk_is_not_taken_for_one_without_locks(tmp_path, refuse):
    refuse("flock", "EIO")
    with pytest.raises(RunFolderError) as caught, locked(tmp_path / "run"):
        pass
    assert str(caught.value) == f"cannot lock the run folder {tmp_path}/run: Input/output error"
    with pytest.raises(OSError, match="Input/output"):
        is_in_use(tmp_path / "run")


@pytest.mark.parametrize("what", ["sync of folders", "sync of files"])
@pytest.mark.parametrize("name", REFUSALS)
def test_a_sync_that_is_refused_is_ignored(tmp_path, refuse, what, name):
    refuse(what, name)
    with new_folder(tmp_path / "new") as folder:
        (folder / "f").write_text("x")
    verify_folder(tmp_path / "new", error=DataError, required=["f"])
    write_text_atomically(tmp_path / "t", "text")
    assert (tmp_path / "t").read_text() == "text"


@pytest.mark.parametrize("what", ["sync of folders", "sync of files"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_sync_that_fails_is_an_error(tmp_path, refuse, what, name):
    refuse(what, name)
    with pytest.raises(RunFolderError, match=os.strerror(getattr(errno, name))):
        write_text_atomically(tmp_path / "t", "text")
    with (
        pytest.raises(RunFolderError, match=os.strerror(getattr(errno, name))),
        new_folder(tmp_path / "new") as folder,
    ):
        (folder / "f").write_text("x")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_opened_is_not_synced(tmp_path, monkeypatch):
    real = os.open

    def no_folders(path, *args, **options):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", no_folders)
    write_text_atomically(tmp_path / "t", "text")
    assert (tmp_path / "t").read_text() == "text"


@pytest.mark.parametrize("name", ["EXDEV", "EPERM", "EIO"])
def test_a_rename_that_fails_is_one_sentence(run, refuse, name):
    refuse("rename", name)
    with pytest.raises(RunFolderError) as caught:
        rename_aside(run.path)
    why = os.strerror(getattr(errno, name))
    assert str(caught.value) == f"cannot rename {run.path} to {run.path}.1: {why}"


@pytest.mark.parametrize("name", ["EOPNOTSUPP"])
def test_a_run_trains_resumes_and_translates_without_links_locks_and_syncs(tmp_path, refuse, name):
    for what in ("symlink", "flock", "sync of folders"):
        refuse(what, name)
    path = write_run(tmp_path)
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    outcome = train(load_config(path, working_dir=tmp_path))
    assert outcome.is_finished
    run = RunFolder(tmp_path / "run")
    assert run.best.is_file()
    assert link_target(run.last) == run.checkpoint(12)
    log = run.log.read_text()
    assert "resuming from the checkpoint of step 6" in log
    assert log.count("has no locks") == 2  # one for each invocation
    assert log.count(f"has no locks ({os.strerror(getattr(errno, name))})") == 2
    translations = [Translator.load(p).translate(["ba ce"]) for p in (run.path, run.best)]
    assert translations[0] == translations[1]


def test_the_checkpoint_is_there_when_a_link_cannot_be_made(tmp_path, refuse):
    refuse("symlink", "EIO")
    with pytest.raises(RunFolderError, match="Input/output error"):
        train(load_config(write_run(tmp_path), working_dir=tmp_path))
    assert RunFolder(tmp_path / "run").checkpoint_steps() == [6]


def copied(run, *, follow=True):
    shutil.copytree(run.path, run.path.with_name("copy"), symlinks=not follow)
    return RunFolder(run.path.with_name("copy"))


def test_folders_that_copying_made_of_links_are_links_again(run):
    run.point_best(run.model(2))
    run.point_last(run.checkpoint(4))
    copy = copied(run)
    assert copy.best.is_dir()
    assert not copy.best.is_symlink()
    relink_copies(copy)
    assert (copy.best_model(), link_target(copy.last)) == (copy.model(2), copy.checkpoint(4))
    assert copy.best.is_symlink()
    relink_copies(copy)
    relink_copies(run)
    assert run.best_model() == run.model(2)


def test_a_copy_takes_the_place_of_an_original_that_lacks_a_file(run):
    run.point_last(run.checkpoint(4))
    copy = copied(run)
    (copy.checkpoint(4) / "state.json").unlink()
    relink_copies(copy)
    assert link_target(copy.last) == copy.checkpoint(4)
    verify_folder(copy.checkpoint(4), error=DataError, required=["state.json"])


def test_a_copy_takes_the_place_of_an_original_with_a_changed_byte(run):
    run.point_last(run.checkpoint(4))
    copy = copied(run)
    state = copy.checkpoint(4) / "state.json"
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    relink_copies(copy)
    verify_folder(copy.checkpoint(4), error=DataError, required=["state.json"])


def test_a_folder_of_the_users_is_renamed(run, caplog):
    for link in (run.best, run.last):
        link.mkdir()
        (link / "precious").touch()
    relink_copies(run)
    for name in ("best", "last"):
        assert (run.path / f"{name}.1" / "precious").exists()
        assert f"{run.path / name} is not a copy of anything in this run: renamed to" in caplog.text
