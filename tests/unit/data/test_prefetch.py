import threading
import time

import pytest

from mtcli.data.prefetch import Prefetch


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("depth", [1, 2, 100])
@pytest.mark.parametrize("size", [0, 1, 7])
def test_the_items_come_in_their_order(depth, size):
    with Prefetch(iter(range(size)), depth) as items:
        assert list(items) == list(range(size))
        assert list(items) == []


def test_items_are_prepared_ahead_but_no_more_than_depth():
    prepared = []
    items = (prepared.append(i) or i for i in range(100))
    with Prefetch(items, 3) as ahead:
        deadline_s = time.monotonic() + 5
        while len(prepared) < 3 and time.monotonic() < deadline_s:
            time.sleep(0.001)
        time.sleep(0.02)
        assert prepared == [0, 1, 2]
        assert next(ahead) == 0
    assert prepared[:3] == [0, 1, 2]
    assert len(prepared) <= 4


def test_items_are_prepared_on_another_thread():
    with Prefetch((threading.get_ident() for _ in range(3)), 2) as items:
        (worker,) = set(items)
    assert worker != threading.get_ident()


def test_an_exception_comes_where_its_item_would_have():
    def fail():
        yield 1
        yield 2
        raise ValueError("the third")

    with Prefetch(fail(), 8) as items:
        assert [next(items), next(items)] == [1, 2]
        with pytest.raises(ValueError, match="the third"):
            next(items)
        assert list(items) == []


def test_an_exception_that_nobody_asked_for_is_silent():
    def fail():
        yield 1
        raise ValueError("never asked for")

    with Prefetch(fail(), 8) as items:
        assert next(items) == 1


def test_leaving_early_closes_the_generator_at_once():
    closed = []

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    started_at_s = time.perf_counter()
    with Prefetch(endless(), 4) as items:
        next(items)
    assert closed == [True]
    assert time.perf_counter() - started_at_s < 1


def test_an_error_of_the_consumer_ends_the_thread():
    def consume():
        with Prefetch(iter(range(100)), 4) as items:
            next(items)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()


def test_only_waiting_is_counted_as_waiting():
    with Prefetch((time.sleep(0.02) or i for i in range(3)), 1) as slow:
        list(slow)
    assert slow.waited_s > 0.03
    with Prefetch(iter(range(3)), 3) as fast:
        time.sleep(0.05)
        next(fast)
    assert fast.waited_s < 0.03


def test_closing_twice_is_closing_once():
    items = Prefetch(iter(range(3)), 1)
    items.close()
    items.close()
    assert list(items) == []


def test_the_cpu_time_of_preparing_is_counted_and_waiting_is_none():
    def items():
        time.sleep(0.05)
        end_s = time.thread_time() + 0.05
        while time.thread_time() < end_s:
            pass
        yield 1

    with Prefetch(items(), 1) as stream:
        assert list(stream) == [1]
        assert 0.05 <= stream.cpu_s < 0.09
