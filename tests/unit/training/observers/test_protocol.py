"""Several observers of one run."""

import pytest

from mtcli.training.observers.protocol import Observer, Observers
from mtcli.training.observers.watching import watched

CALLS = {
    "entered": ("store",),
    "advanced": (5, None),
    "stepped": (3, None),
    "read": ("reading",),
    "reported": ("report",),
    "validated": ("validation",),
}
"""Arguments for every method of an observer."""


def test_this_test_knows_every_method():
    assert {name for name in vars(Observer) if not name.startswith("_")} == set(CALLS)


@pytest.mark.parametrize("method", CALLS)
def test_all_are_told_in_their_order(method):
    told = []

    class Listener(Observer):
        def __init__(self, name):
            self.name = name

    def listen(self, *args):
        told.append((self.name, *args))

    setattr(Listener, method, listen)
    observers = Observers([Listener("first"), Listener("second")])
    for name, args in CALLS.items():
        getattr(observers, name)(*args)
    assert told == [("first", *CALLS[method]), ("second", *CALLS[method])]


def test_what_is_watched_is_unchanged_and_counted():
    told = []

    class Counter(Observer):
        def advanced(self, done, total):
            told.append((done, total))

    assert list(watched(range(2500), Counter())) == list(range(2500))
    assert told == [(1000, None), (2000, None), (2500, None)]
    assert list(watched([], Counter())) == []
    assert told[-1] == (0, None)
