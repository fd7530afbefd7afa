"""Several observers of one run."""

from mtcli.training.observers.protocol import Observers


def test_all_are_told_in_their_order():
    told = []

    class Listener:
        def __init__(self, name):
            self.name = name

        def stepped(self, step, total_steps):
            told.append((self.name, step, total_steps))

        def reported(self, metrics):
            told.append((self.name, metrics))

        def validated(self, metrics):
            told.append((self.name, metrics))

    observers = Observers([Listener("first"), Listener("second")])
    observers.stepped(3, None)
    observers.reported("report")
    observers.validated("validation")
    assert told == [
        ("first", 3, None), ("second", 3, None),
        ("first", "report"), ("second", "report"),
        ("first", "validation"), ("second", "validation"),
    ]  # fmt: skip
    Observers().stepped(1, 2)
