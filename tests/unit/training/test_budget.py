"""A schedule that fits itself to a time budget, on a clock that the test turns."""

import json

import pytest

from mtcli.config.load import load_config
from mtcli.training.observers.protocol import Observer
from mtcli.training.setup import train
from tests.support.small_run import write_run

WSD = "schedule={kind: wsd, warmup_steps: 2, decay_ratio: 0.5, fit: budget}"


class Clock(Observer):
    """Seconds that pass with the steps: one each, and after a while `slow_s`."""

    def __init__(self, slow_s, slow_from):
        self.now_s, self._slow_s, self._slow_from = 0.0, slow_s, slow_from

    def stepped(self, step, total_steps):
        self.now_s += self._slow_s if step > self._slow_from else 1.0


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr("mtcli.training.loop.STEPS_TO_MEASURE", 10)
    path = write_run(tmp_path, WSD, "training.max_steps=100000", "validation.every_steps=10")

    def train_on(clock, budget_s, *overrides):
        config = load_config(path, overrides, working_dir=tmp_path)
        return train(config, budget_s=budget_s, observers=[clock], budget_clock=lambda: clock.now_s)

    return train_on


def progress_of(folder):
    return json.loads((folder / "run/last/state.json").read_text())["progress"]


@pytest.mark.parametrize("slow_s", [0.6, 1.0, 1.7, 3.0])
def test_the_decay_ends_when_the_budget_does_though_the_speed_changes(run, tmp_path, slow_s):
    clock = Clock(slow_s, slow_from=25)
    outcome = run(clock, 100.0)
    assert outcome.is_finished, outcome.reason
    assert 88 <= clock.now_s <= 100
    progress = progress_of(tmp_path)
    assert progress["step"] == progress["total_steps"] == progress["budget_steps"]
    metrics = map(json.loads, (tmp_path / "run/metrics.jsonl").read_text().splitlines())
    rates = [m["lr"] for m in metrics if m["kind"] == "step"]
    assert rates[-1] < 0.1 * max(rates)


def test_a_resumed_run_keeps_the_length_that_was_found(run, tmp_path):
    assert not run(Clock(1000.0, slow_from=25), 100.0).is_finished
    found = progress_of(tmp_path)["budget_steps"]
    assert found > 80
    assert run(Clock(9.0, slow_from=0), 10_000.0).is_finished
    assert progress_of(tmp_path)["step"] == progress_of(tmp_path)["budget_steps"] == found
