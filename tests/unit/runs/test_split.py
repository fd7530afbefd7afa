import json

import pytest

from mtcli.errors import RunFolderError
from mtcli.runs.folder import RunFolder
from mtcli.runs.split import Split, read_split, write_split


@pytest.fixture
def run(tmp_path):
    """A run that has a checkpoint."""
    run = RunFolder(tmp_path / "run")
    run.checkpoint(10).mkdir(parents=True)
    return run


def test_what_is_written_is_read(run):
    write_split(run, Split(2, 3))
    assert read_split(run) == Split(2, 3)
    assert str(Split(2, 1)) == "2 processes of 1 thread"
    assert str(Split(1, 3)) == "1 process of 3 threads"


def test_a_run_of_an_older_mtcli_has_none(run):
    assert read_split(run) is None


def test_a_run_without_a_checkpoint_is_free_to_choose(run):
    write_split(run, Split(2, 3))
    run.checkpoint(10).rmdir()
    assert read_split(run) is None


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"format_version": 1},
        {"format_version": 1, "split": {"processes": 2}},
        {"format_version": 1, "split": {"processes": 2, "threads": 0}},
        {"format_version": 1, "split": {"processes": True, "threads": 2}},
    ],
)
def test_a_damaged_file(run, content):
    run.split.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RunFolderError) as caught:
        read_split(run)
    assert str(caught.value) == (
        f"{run.split} is damaged: it has no numbers of processes and threads\n"
        "hint: delete it to choose them again"
    )


def test_a_file_of_a_newer_mtcli(run):
    write_split(run, Split(2, 3))
    newer = json.loads(run.split.read_text()) | {"format_version": 99}
    run.split.write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(RunFolderError, match="has format_version 99"):
        read_split(run)
