"""A run keeps the number of processes and threads that it started with."""

import json
import logging
import os

import pytest
import torch

from mtcli.config.load import load_config
from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.runs.split import Split, read_split, write_split
from mtcli.training import threads as subject
from mtcli.training.setup import train
from mtcli.training.threads import keep_threads
from tests.support.small_run import write_run


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with a checkpoint, on a machine of two cores; torch has one thread."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(subject, "num_cores", lambda: 2)
    monkeypatch.setattr(subject, "load_average", lambda: 0.5)
    monkeypatch.setattr(subject, "describe_waiting", lambda: "GOMP_SPINCOUNT=3000")
    run = RunFolder(tmp_path / "run")
    run.checkpoint(10).mkdir(parents=True)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield run
    torch.set_num_threads(before)


def messages_of(caplog, run):
    with caplog.at_level(logging.INFO, logger="mtcli"):
        keep_threads(run, World())
    return [record.message for record in caplog.records]


def test_a_new_run_keeps_what_it_has(run, caplog):
    assert messages_of(caplog, run) == [
        "1 process of 1 thread, 2 cores, load average 0.50, waiting threads: GOMP_SPINCOUNT=3000"
    ]
    assert read_split(run) == Split(1, 1)


def test_a_resumed_run_takes_it_over(run, caplog):
    write_split(run, Split(1, 3))
    said = messages_of(caplog, run)
    assert torch.get_num_threads() == 3
    assert said[0].startswith("1 process of 3 threads, 2 cores, load average 0.50")
    assert said[1:] == ["this run started with 1 process of 3 threads, and keeps them"]


def test_what_the_user_asks_for_wins_and_is_said(run, caplog, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_split(run, Split(1, 3))
    said = messages_of(caplog, run)
    assert torch.get_num_threads() == 1
    assert said[1:] == [
        "this run started with 1 process of 3 threads: its weights will differ in their last bits"
        " from those of an uninterrupted run"
    ]
    assert read_split(run) == Split(1, 3)


def test_another_number_of_processes_has_threads_of_its_own(run, caplog):
    write_split(run, Split(2, 3))
    assert "1 process of 1 thread" in messages_of(caplog, run)[0]
    assert torch.get_num_threads() == 1


def test_a_system_that_does_not_tell_its_load(run, caplog, monkeypatch):
    monkeypatch.setattr(subject, "load_average", lambda: None)
    assert "load average unknown" in messages_of(caplog, run)[0]


def test_training_writes_it_and_says_it(tmp_path):
    config = load_config(write_run(tmp_path, "training.max_steps=2"), working_dir=tmp_path)
    train(config)
    split = json.loads((tmp_path / "run/split.json").read_text())
    assert split == {
        "format_version": 1,
        "split": {"processes": 1, "threads": torch.get_num_threads()},
    }
    log = (tmp_path / "run/train.log").read_text()
    assert f"INFO {Split(1, torch.get_num_threads())}, " in log
    assert os.environ.get("GOMP_SPINCOUNT", "OpenMP's default") in log
