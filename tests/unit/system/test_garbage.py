"""Garbage is searched for late at the start, and as by default afterwards."""

import gc

import pytest

from mtcli.system import garbage
from mtcli.system.garbage import NUM_OBJECTS, postpone_garbage_search


@pytest.fixture
def searches():
    """The generations that were searched since, with all settings put back at the end."""
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    gc.collect()  # starts to count
    generations: list[int] = []
    gc.callbacks.append(lambda phase, info: generations.append(info["generation"]))
    yield generations
    gc.callbacks[:] = callbacks
    gc.set_threshold(*thresholds)


def test_imports_are_not_searched_for_garbage(searches):
    postpone_garbage_search()
    kept = [[] for _ in range(NUM_OBJECTS * 9 // 10)]
    assert (len(kept), searches) == (NUM_OBJECTS * 9 // 10, [])


def test_a_program_that_goes_on_is_searched_as_by_default(searches):
    usual = gc.get_threshold()
    num_callbacks = len(gc.callbacks)
    postpone_garbage_search()
    kept = [[] for _ in range(NUM_OBJECTS + 10 * usual[0])]
    assert len(kept) > NUM_OBJECTS
    assert len(searches) > 4  # a start and a stop each
    assert (gc.get_threshold(), len(gc.callbacks)) == (usual, num_callbacks)


def test_garbage_that_was_made_at_the_start_is_freed(searches, monkeypatch):
    monkeypatch.setattr(garbage, "NUM_OBJECTS", 5_000)
    postpone_garbage_search()

    class Ring:
        alive = 0

        def __init__(self) -> None:
            self.itself = self
            Ring.alive += 1

        def __del__(self) -> None:
            Ring.alive -= 1

    for _ in range(10_000):
        Ring()
    assert Ring.alive < 5_000
