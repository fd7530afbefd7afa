import logging
import time

import pytest

from mtcli.config.schema.logging import TensorboardConfig
from mtcli.training.observers.loggers import observer as module
from mtcli.training.observers.loggers.identities import Identities
from mtcli.training.observers.loggers.observer import LoggerObserver, logging_to_trackers
from tests.support.loggers import ToldLogger
from tests.support.made_runs import step_metrics, validation_metrics, write_made_run

NO_FILE = Identities(None)
METHODS = ["begin", "scalars", "sample", "model_card", "end"]


@pytest.fixture
def run(tmp_path):
    made = write_made_run(tmp_path / "a")
    (made.best_model() / "README.md").write_text("# A card\n")
    return made


def tell_all(observer):
    observer.stepped(11, 40)
    observer.stepped(12, 40)
    observer.reported(step_metrics(20, 40, 10))
    observer.validated(validation_metrics(20, None))


def close(observer, *, is_failed=False, patience_s=30.0):
    observer.end(is_failed=is_failed)
    observer.wait(patience_s)


def test_a_run_is_told_in_order(run):
    told = ToldLogger()
    observer = LoggerObserver(told, run, Identities(None))
    tell_all(observer)
    close(observer)
    assert told.names == ["begin", "scalars", "scalars", "sample", "model_card", "end"]
    assert told.calls[0] == ("begin", 11)  # a resumed run writes anew what it had from there on
    assert told.calls[1][2]["train/loss"] == step_metrics(20, 40, 10).loss_per_token
    assert told.calls[2][2]["valid/bleu"] == validation_metrics(20, None).bleu
    assert told.calls[-2:] == [("model_card", 20, "# A card\n"), ("end", False)]
    assert (told.run.name, told.run.folder) == ("a", run.path)
    assert told.run.hyperparameters["model.d_model"] == 16


def test_a_run_that_goes_back_says_so(run):
    told = ToldLogger()
    observer = LoggerObserver(told, run, Identities(None))
    for step in (10, 20, 10):
        observer.reported(step_metrics(step, 40, 10))
    close(observer)
    assert [(name, *step[:1]) for name, *step in told.calls][:5] == [
        ("begin", 10), ("scalars", 10), ("scalars", 20), ("rewind", 10), ("scalars", 10),
    ]  # fmt: skip


def test_a_run_without_an_update_is_not_opened(run):
    told = ToldLogger()
    observer = LoggerObserver(told, run, Identities(None))
    observer.entered("reading")
    close(observer)
    assert told.calls == []


@pytest.mark.parametrize("method", METHODS)
def test_a_logger_that_fails_costs_one_warning(run, caplog, method):
    told = ToldLogger(fails_in=method)
    observer = LoggerObserver(told, run, Identities(None))
    tell_all(observer)
    tell_all(observer)
    close(observer)
    (warning,) = caplog.messages
    assert warning == (
        "nothing more is logged to A tracker: OSError: no route to host. Training continues;"
        " `mtcli report RUN --to ...` logs the run later"
    )
    assert told.names[-1] == method  # and it is left alone from then on


def test_a_logger_that_exits_costs_one_warning(run, caplog):
    observer = LoggerObserver(ToldLogger(fails_in="begin", error=SystemExit(1)), run, NO_FILE)
    tell_all(observer)
    close(observer)
    (warning,) = caplog.messages
    assert warning.startswith("nothing more is logged to A tracker: SystemExit: 1. ")


@pytest.mark.parametrize("place", ["tracker:here", None])
def test_what_a_killed_run_had_logged_is_not_logged_twice(run, place):
    """Unless the tracker drops it itself. Killed at 30, resumed after 10."""
    identities, killed = Identities(run.path / "loggers.json"), ToldLogger(place=place)
    observer = LoggerObserver(killed, run, identities)
    for step in (10, 20, 30):
        observer.reported(step_metrics(step, 40, 10))
    close(observer)
    resumed = ToldLogger(place=place)
    observer = LoggerObserver(resumed, run, Identities(run.path / "loggers.json"))
    observer.stepped(11, 40)
    for step in (20, 30, 40):
        observer.reported(step_metrics(step, 40, 10))
        observer.validated(validation_metrics(step, None))
    close(observer)
    logged = [(step, "valid/loss" in values) for _, step, values in resumed.calls_of("scalars")]
    validations = [(20, True), (30, True)]  # which the killed run had not made
    again = [(20, False), (20, True), (30, False), (30, True)]
    assert logged == [*(again if place is None else validations), (40, False), (40, True)]
    assert resumed.calls[0] == ("begin", 11)
    assert "rewind" not in resumed.names


def test_what_comes_again_after_a_divergence_is_logged(run):
    identities = Identities(run.path / "loggers.json")
    identities.keep_newest("tracker:here", "step", 20)
    told = ToldLogger(place="tracker:here")
    observer = LoggerObserver(told, run, identities)
    for step in (10, 20, 30, 10, 20):
        observer.reported(step_metrics(step, 40, 10))
    close(observer)
    assert [step for _, step, _ in told.calls_of("scalars")] == [30, 10, 20]
    assert identities.newest("tracker:here") == {"step": 20}  # of the values that count


@pytest.mark.parametrize("method", METHODS)
def test_a_logger_that_hangs_delays_nothing(run, caplog, method):
    told = ToldLogger(hangs_in=method)
    observer = LoggerObserver(told, run, Identities(None))
    started = time.monotonic()
    tell_all(observer)
    close(observer, patience_s=0.2)
    assert time.monotonic() - started < 10
    (warning,) = caplog.messages
    assert "logged to A tracker: it does not answer, and was waited for 0 s" in warning
    told.release.set()


def test_what_waits_for_a_logger_is_bounded(run, caplog):
    told = ToldLogger(hangs_in="begin")
    observer = LoggerObserver(told, run, Identities(None), most_waiting=3)
    for step in range(10, 200, 10):
        observer.reported(step_metrics(step, 400, 10))
    (warning,) = caplog.messages
    assert "it has not taken 3 records" in warning
    told.release.set()
    close(observer)
    assert len(caplog.messages) == 1


def test_a_config_that_is_gone_costs_one_warning(run, caplog):
    run.config.unlink()
    observer = LoggerObserver(ToldLogger(), run, Identities(None))
    tell_all(observer)
    close(observer)
    (warning,) = caplog.messages
    assert "FileNotFoundError" in warning


@pytest.mark.parametrize("is_failed", [False, True])
def test_the_end_of_the_training_is_told(run, monkeypatch, is_failed):
    made = [ToldLogger(), ToldLogger()]
    loggers = iter(made)
    monkeypatch.setattr(module, "make_logger", lambda config: next(loggers))
    configs = [TensorboardConfig(kind="tensorboard")] * 2
    try:
        with logging_to_trackers(configs, run) as observers:
            for observer in observers:
                observer.reported(step_metrics(20, 40, 10))
            if is_failed:
                raise KeyError("a bug")
    except KeyError:
        assert is_failed
    assert [told.calls[-1] for told in made] == [("end", is_failed)] * 2


def test_loggers_that_hang_are_waited_for_together(run, monkeypatch, caplog):
    made = [ToldLogger(hangs_in="end"), ToldLogger(hangs_in="end")]
    loggers = iter(made)
    monkeypatch.setattr(module, "make_logger", lambda config: next(loggers))
    monkeypatch.setattr(module, "PATIENCE_S", 0.5)
    caplog.set_level(logging.WARNING)
    with logging_to_trackers([TensorboardConfig(kind="tensorboard")] * 2, run) as observers:
        for observer in observers:
            observer.reported(step_metrics(20, 40, 10))
    assert [told.names[-1] for told in made] == ["end", "end"]
    assert len(caplog.messages) == 2
    for told in made:
        told.release.set()
