"""What of a run is kept, on folders that are empty."""

import pytest

from mtcli.runs.folder import RunFolder
from mtcli.runs.retention import (
    cut_back,
    keep_newest_stop,
    prune,
    set_aside_files,
    set_aside_without_checkpoint,
)


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def make(saved, *, checkpoints=(), models=()):
    for step in checkpoints:
        saved.checkpoint(step).mkdir(parents=True)
    for step in models:
        saved.model(step).mkdir(parents=True)


def steps(saved):
    return saved.checkpoint_steps(), saved.model_steps()


def test_the_newest_and_the_best_are_kept(run):
    make(run, checkpoints=(2, 4, 6), models=(2, 4, 6))
    prune(run, keep_last=1, keep_checkpoints=2, best_steps=[2, None])
    assert steps(run) == ([4, 6], [2, 6])


def test_of_stops_the_newest_and_the_best_are_kept(run):
    make(run.stopped, checkpoints=(3, 4, 5), models=(2, 3, 4))
    run.point_best(run.stopped.model(2))
    keep_newest_stop(run)
    assert steps(run.stopped) == ([5], [2, 4])


def test_what_came_later_is_cut_back(run):
    make(run, checkpoints=(2, 4, 6), models=(2, 4, 6))
    run.metrics.write_text('{"kind": "step", "step": 4}\n{"kind": "step", "step": 5}\n{"st')
    run.point_best(run.model(6))
    cut_back(run, 4, best_step=2)
    assert steps(run) == ([2, 4], [2, 4])
    assert run.best.resolve() == run.model(2)
    assert run.last.resolve() == run.checkpoint(4)
    assert run.metrics.read_text() == '{"kind": "step", "step": 4}\n'


def test_a_stop_before_the_newest_checkpoint_is_removed(run):
    """A process was killed between making that checkpoint and removing the stop."""
    make(run, checkpoints=(2, 6), models=(2, 6))
    make(run.stopped, checkpoints=(5,), models=(4,))
    run.point_best(run.stopped.model(4))
    cut_back(run, 6, best_step=6)
    assert steps(run.stopped) == ([], [])
    assert run.best.resolve() == run.model(6)


def test_a_stop_that_is_resumed_from_is_kept_with_its_model(run):
    make(run, checkpoints=(2,), models=(2,))
    make(run.stopped, checkpoints=(3, 5), models=(3, 5))
    run.point_best(run.stopped.model(3))
    cut_back(run, 3, best_step=2)
    assert steps(run.stopped) == ([3], [3])
    assert run.best.resolve() == run.stopped.model(3)
    assert run.last.resolve() == run.stopped.checkpoint(3)


def test_what_a_run_without_a_checkpoint_left_gets_another_name(run):
    make(run, models=(2,))
    make(run.stopped, models=(3,))
    run.metrics.write_text("")
    names = sorted(path.name for path in set_aside_without_checkpoint(run))
    assert names == ["metrics.jsonl.1", "models.1", "stopped.1"]


def test_files_with_names_of_steps_are_no_steps_and_get_other_names(run):
    make(run, checkpoints=(2,), models=(2,))
    make(run.stopped, checkpoints=(3,))
    run.checkpoint(4).write_text("precious")
    run.checkpoint(4).with_name("step_00000004.1").touch()
    run.model(6).symlink_to("nowhere")
    (run.checkpoints / "notes.txt").touch()
    run.stopped.models.touch()
    assert steps(run) == ([2], [2])
    assert [path.relative_to(run.path).as_posix() for path in set_aside_files(run)] == [
        "checkpoints/step_00000004.2",
        "models/step_00000006.1",
        "stopped/models.1",
    ]
    assert (run.checkpoints / "step_00000004.2").read_text() == "precious"
    assert set_aside_files(run) == []
    assert (steps(run), steps(run.stopped)) == (([2], [2]), ([3], []))


def test_a_link_to_a_folder_of_another_disk_is_a_step(run, tmp_path):
    make(run, checkpoints=(2,))
    run.checkpoint(2).rename(tmp_path / "elsewhere")
    run.checkpoint(2).symlink_to(tmp_path / "elsewhere")
    assert run.checkpoint_steps() == [2]
    assert set_aside_files(run) == []
