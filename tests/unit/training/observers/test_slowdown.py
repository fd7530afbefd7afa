import logging

import pytest

from mtcli.runs.metrics import StepMetrics
from mtcli.training.observers import slowdown
from mtcli.training.observers.slowdown import SlowdownWatch

PER_REPORT = 1000


def reports(*rates, passes=()):
    """Metrics of one report after the other; `passes` through the model of each, else 1."""
    passes = passes or [1] * len(rates)
    for n, rate in enumerate(rates):
        values = dict.fromkeys(StepMetrics.__dataclass_fields__, 0)
        values |= {
            "tgt_tokens_per_s": rate,
            "total_tgt_tokens": PER_REPORT * (n + 1),
            "total_tgt_tokens_computed": PER_REPORT * sum(passes[: n + 1]),
        }
        yield StepMetrics(**values)


@pytest.fixture
def warnings_of(caplog, monkeypatch):
    monkeypatch.setattr(slowdown, "load_average", lambda: 3.21)
    monkeypatch.setattr(slowdown, "num_cores", lambda: 2)

    def watch(*rates, passes=()):
        observer = SlowdownWatch()
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="mtcli"):
            for metrics in reports(*rates, passes=passes):
                observer.reported(metrics)
        return [record.message for record in caplog.records]

    return watch


def test_one_warning_for_a_run_that_falls_under_half(warnings_of):
    assert warnings_of(800, 1000, 900, 950, 480, 470, 300, 1000, 200, 200) == [
        "training computes 470 target tokens/s, less than half of the 1000 at the start; the load"
        " average is 3.2 on 2 cores. Other programs may need the machine"
    ]


def test_one_slow_report_is_chance(warnings_of):
    assert warnings_of(1000, 1000, 1000, 400, 1000, 400, 1000) == []


def test_a_slow_start_is_no_measure_and_half_is_enough(warnings_of):
    assert warnings_of(100, 1000, 500, 500, 500) == []


def test_a_machine_that_becomes_busy_at_once_is_noticed(warnings_of):
    assert len(warnings_of(1000, 400, 400)) == 1


def test_two_passes_for_each_token_are_not_slow(warnings_of):
    """As when R-Drop begins; and they are slow when they compute less than half."""
    assert warnings_of(1000, 1000, 1000, 495, 495, 495, passes=[1, 1, 1, 2, 2, 2]) == []
    assert len(warnings_of(1000, 1000, 1000, 240, 240, passes=[1, 1, 1, 2, 2])) == 1


def test_a_system_that_does_not_tell_its_load(warnings_of, monkeypatch):
    monkeypatch.setattr(slowdown, "load_average", lambda: None)
    assert warnings_of(1000, 100, 100) == [
        "training computes 100 target tokens/s, less than half of the 1000 at the start. Other"
        " programs may need the machine"
    ]
