"""A run folder that goes away while it is used is not half made again under its old name."""

import shutil

import pytest

from mtcli.config.load import load_config
from mtcli.errors import RunFolderError
from mtcli.training.observers.protocol import Observer
from mtcli.training.setup import train
from tests.invariants.test_resume import assert_same_run
from tests.support.small_run import write_run


class At(Observer):
    """Does something once, at a step or when a phase begins."""

    def __init__(self, moment, action):
        self.moment, self.action = moment, action

    def _reach(self, moment):
        if moment == self.moment:
            self.moment = None
            self.action()

    def entered(self, phase):
        self._reach(phase)

    def stepped(self, step, total_steps):
        self._reach(step)


def moved(run):
    run.rename(run.with_name("moved"))


def removed(run):
    shutil.rmtree(run)


def replaced(run):
    moved(run)
    run.mkdir()


@pytest.mark.parametrize(
    ("moment", "happens"),
    [
        ("reading", moved),
        ("tokenizer", removed),
        ("store", moved),
        (1, removed),
        (7, moved),
        (9, replaced),
        ("validating", moved),
    ],
)
def test_nothing_is_written_under_the_old_name(tmp_path, moment, happens):
    config = load_config(
        write_run(tmp_path, "checkpoints.every_steps=3", "training.log_every_steps=50"),
        working_dir=tmp_path,
    )
    run = tmp_path / "run"
    with pytest.raises(RunFolderError, match="moved or removed"):
        train(config, observers=[At(moment, lambda: happens(run))])
    assert list(run.iterdir() if run.exists() else ()) == []


def test_a_run_that_is_moved_back_resumes_exactly(tmp_path):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    for folder in (whole, parted):
        folder.mkdir()
        config = load_config(write_run(folder), working_dir=folder)
        if folder == parted:
            with pytest.raises(RunFolderError, match="moved or removed"):
                train(config, observers=[At(8, lambda: moved(parted / "run"))])
            (folder / "moved").rename(folder / "run")
        train(config)
    assert_same_run(whole / "run", parted / "run", 12)


def test_a_file_in_the_place_of_a_checkpoint_gets_out_of_the_way(tmp_path, caplog):
    """The run ended there, after all the updates before it."""
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    train(load_config(tmp_path / "config.yaml", ["training.max_steps=6"], working_dir=tmp_path))
    stray = tmp_path / "run/checkpoints/step_00000012"
    stray.write_text("precious")
    assert train(config).is_finished
    assert (stray / "state.json").exists()
    assert stray.with_name("step_00000012.1").read_text() == "precious"
    assert (f"a file has the name of a folder of the run, now moved to {stray}.1") in caplog.text
