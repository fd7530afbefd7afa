"""When a run stops early: the budget, by the clock that counts it, and signals."""

import signal
import sys
from contextlib import suppress

import pytest

from mtcli.config.load import load_config
from mtcli.distributed.world import World
from mtcli.system.stop_signals import STOP_SIGNALS, Interrupted, answer_stop, interrupting
from mtcli.training import setup
from mtcli.training.stopping import StopRequest
from tests.support import warm
from tests.support.small_run import write_run


def test_a_budget_is_counted_by_the_clock_that_is_given():
    seconds = [100.0]
    stop = StopRequest(30.0, lambda: seconds[0])
    assert (stop.spent_s, stop.remaining_s(), stop.reason()) == (0.0, 30.0, None)
    seconds[0] = 125.0
    assert (stop.spent_s, stop.remaining_s()) == (25.0, 5.0)
    assert stop.reason(reserve_s=4.0) is None
    assert stop.reason(reserve_s=5.0) == "the time budget is used up"


def test_without_a_budget_no_time_is_too_long():
    stop = StopRequest()
    assert (stop.remaining_s(), stop.reason(reserve_s=1e9)) == (None, None)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_is_a_request(number):
    stop = StopRequest()
    with stop.listening():
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
    assert stop.reason() == f"signal {number.name}"


IMPATIENT = """
import signal, time
from mtcli.training.stopping import StopRequest
stop = StopRequest()
with stop.listening():
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)  # `timeout -s INT` does this
    print(stop.reason(), flush=True)
    time.sleep(0.4)
    signal.raise_signal(signal.SIGINT)
    print("never")
"""


def test_a_second_ctrl_c_ends_it_but_two_at_once_are_one():
    done = warm.run([sys.executable, "-c", IMPATIENT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "signal SIGINT\n", "")


def test_a_signal_that_got_lost_before_the_first_update_stops_it_there(monkeypatch):
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    with interrupting():
        with suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)
        listening = StopRequest().listening()
        with pytest.raises(Interrupted):
            listening.__enter__()
        answer_stop()


@pytest.fixture
def config(tmp_path):
    return load_config(write_run(tmp_path), working_dir=tmp_path)


def test_one_of_several_that_was_asked_to_stop_does_not_mind_that_others_have_left(
    config, monkeypatch
):
    def lose_a_peer(_config, _fresh, stop, *_):
        stop.signal_name = asked
        raise RuntimeError("[gloo] Connection closed by peer [127.0.0.1]:1")

    monkeypatch.setattr(setup, "_train", lose_a_peer)
    asked = "SIGHUP"
    with pytest.raises(Interrupted) as caught:
        setup.train(config, world=World(1, 2, 1))
    assert caught.value.number == signal.SIGHUP
    asked = None
    with pytest.raises(RuntimeError, match="closed by peer"):
        setup.train(config, world=World(1, 2, 1))


def test_one_of_several_leaves_at_a_signal_before_the_first_update(config, monkeypatch):
    def interrupt(*_):
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr(setup, "_train", interrupt)
    with pytest.raises(Interrupted):
        setup.train(config, world=World(0, 2, 0))
    outcome = setup.train(config)
    assert (outcome.is_finished, outcome.reason) == (
        False,
        "signal SIGTERM before the first update",
    )
