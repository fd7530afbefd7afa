"""`--nproc auto`: what is measured, what is chosen, and that it is remembered."""

import json

import pytest

from mtcli.bench import nproc as subject
from mtcli.config.load import load_config
from tests.support.small_run import write_run


@pytest.fixture
def config(tmp_path):
    return load_config(write_run(tmp_path), working_dir=tmp_path)


@pytest.fixture
def measured(monkeypatch):
    """Calls of the measurement, which takes seconds and is tested in tests/cli."""
    calls = []

    def measure(config):
        calls.append(config)
        return 2, "2 is fastest, for reasons"

    monkeypatch.setattr(subject, "_measure", measure)
    monkeypatch.setattr(subject, "num_cores", lambda: 2)
    return calls


@pytest.mark.parametrize(
    ("cores", "tried"), [(1, [1]), (2, [1, 2]), (4, [1, 4]), (8, [1, 2, 8]), (64, [1, 16, 64])]
)
def test_what_is_tried(cores, tried):
    assert subject.candidates(cores) == tried


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({1: 100.0, 2: 150.0}, 2),
        ({1: 150.0, 2: 100.0}, 1),
        ({1: 100.0, 2: 104.0}, 1),  # not worth another process
        ({1: 100.0, 2: 140.0, 8: 145.0}, 2),
    ],
)
def test_what_is_chosen(rates, chosen):
    assert subject.choose(rates) == chosen


def test_a_choice_is_remembered_until_something_it_depends_on_changes(config, measured, tmp_path):
    assert subject.choose_nproc(config) == 2
    assert subject.choose_nproc(config) == 2
    assert len(measured) == 1
    found = json.loads((config.run_dir / "nproc.json").read_text())
    assert (found["format_version"], found["nproc"]) == (1, 2)
    assert found["why"] == "2 is fastest, for reasons"
    for override in ("batch.max_tokens=100", "training.precision=bf16", "model.d_ff=32"):
        other = load_config(tmp_path / "config.yaml", [override], working_dir=tmp_path)
        subject.choose_nproc(other)
    assert len(measured) == 4


def test_a_key_that_does_not_matter_does_not_measure_again(config, measured, tmp_path):
    subject.choose_nproc(config)
    other = load_config(
        tmp_path / "config.yaml", ["training.max_steps=7", "optim.lr=1e-3"], working_dir=tmp_path
    )
    subject.choose_nproc(other)
    assert len(measured) == 1


def test_one_core_needs_no_measurement(config, measured, monkeypatch):
    monkeypatch.setattr(subject, "num_cores", lambda: 1)
    assert subject.choose_nproc(config) == 1
    assert measured == []
