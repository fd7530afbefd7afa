"""When a run stops early: the budget, by the clock that counts it."""

from mtcli.training.stopping import StopRequest


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
