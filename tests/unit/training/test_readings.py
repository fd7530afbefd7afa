"""What a display is told of a run, from its first phase to its last update."""

import itertools

import pytest
import torch

from mtcli.config.load import load_config
from mtcli.training import readings
from mtcli.training.observers.protocol import Observer
from mtcli.training.readings import Figures
from mtcli.training.setup import train
from tests.support.small_run import write_run


class Recorder(Observer):
    """Keeps all that it is told."""

    def __init__(self):
        self.phases, self.readings, self.reports = [], [], []
        self.advances, self.validations = [], []

    def entered(self, phase):
        self.phases.append(phase)

    def read(self, reading):
        self.readings.append(reading)

    def advanced(self, done, total):
        self.advances.append((self.phases[-1], done, total))

    def reported(self, metrics):
        self.reports.append(metrics)

    def validated(self, metrics):
        self.validations.append(metrics)


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Train the small run, with a clock for the readings if one is given."""

    def run(*overrides, clock=None):
        if clock is not None:
            monkeypatch.setattr(readings.time, "perf_counter", clock)
        recorder = Recorder()
        config = load_config(write_run(tmp_path), overrides, working_dir=tmp_path)
        train(config, observers=[recorder])
        monkeypatch.undo()
        return recorder

    return run


def test_phases_come_in_their_order_and_tell_how_far_they_are(recorded):
    recorder = recorded("training.max_steps=2", "decoding.batch_size=8")
    phases = [phase for phase, _ in itertools.groupby(recorder.phases)]
    assert phases == ["reading", "tokenizer", "store", "training", "validating", "training"]
    assert recorder.advances == [
        ("tokenizer", 200, None),
        ("store", 200, None),
        ("validating", 8, 12),
        ("validating", 12, 12),
    ]


def test_a_validation_shows_what_it_changed_and_the_plain_loss_of_training_pairs(recorded):
    # a loss of 0 pairs would divide by 0, and a model that learned nothing would not show it
    recorder = recorded("training.max_steps=24", "validation.every_steps=12", "optim.lr=0.02")
    first, second = recorder.validations
    assert first.sample_before is None
    assert first.sample_source == second.sample_source
    assert second.sample_before == first.sample_hypothesis
    smoothed = recorder.reports[-1].loss_per_token
    assert 0 < second.training_loss_per_token < smoothed


def test_the_first_update_is_read_at_once(recorded):
    recorder = recorded("training.max_steps=1", "training.log_every_steps=1")
    (reading,), (report,) = recorder.readings, recorder.reports
    assert reading.loss_per_token == pytest.approx(report.loss_per_token)
    assert reading.grad_norm == pytest.approx(report.grad_norm)
    assert (reading.step, reading.total_steps, reading.epoch, reading.lr) == (1, 1, 0, report.lr)
    assert (reading.is_smoothed, reading.next_validation) == (True, 1)


def test_later_updates_are_read_twice_a_second(recorded):
    clock = itertools.count(0.0, 0.11)  # the loop, too, asks what time it is
    steps = [reading.step for reading in recorded(clock=lambda: next(clock)).readings]
    assert steps[0] == 1
    assert 2 < len(steps) < 12
    assert all(later > earlier for earlier, later in itertools.pairwise(steps))


def test_plain_cross_entropy_is_not_called_smoothed(recorded):
    recorder = recorded("training.max_steps=1", "training.label_smoothing=0")
    assert not recorder.readings[0].is_smoothed


def test_figures_on_the_cpu_are_there_at_once():
    numbers = [torch.tensor(2.5), torch.tensor(0.25, dtype=torch.float64)]
    assert Figures(numbers, must_wait=False).read() == [2.5, 0.25]
