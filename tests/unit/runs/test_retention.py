"""What of a run is kept, on folders that are empty."""

import pytest

from mtcli.runs.folder import RunFolder
from mtcli.runs.retention import cut_back, keep_newest_stop, prune, set_aside_without_checkpoint


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
    run.metrics.write_text('{"step": 4}\n{"step": 5}\n{"st')
    run.point_best(run.model(6))
    cut_back(run, 4, best_step=2)
    assert steps(run) == ([2, 4], [2, 4])
    assert run.best.resolve() == run.model(2)
    assert run.last.resolve() == run.checkpoint(4)
    assert run.metrics.read_text() == '{"step": 4}\n'


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
