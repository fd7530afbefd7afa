"""A logger that remembers what it was told, and can fail or hang on the way."""

from __future__ import annotations

import threading

_NO_ROUTE = OSError("no route\nto host")


class ToldLogger:
    """Keeps all calls as tuples, the name of the method first.

    Args:
        fails_in: the method that raises.
        hangs_in: the method that waits until `release` is set.
        error: what it raises there.
        place: what `begin` returns.
    """

    title = "A tracker"

    def __init__(self, *, fails_in=None, hangs_in=None, error=_NO_ROUTE, place=None):
        self.calls = []
        self.run = None
        self.release = threading.Event()
        self._fails_in, self._hangs_in = fails_in, hangs_in
        self._error, self._place = error, place

    def begin(self, run, step):
        self.run = run
        self._told("begin", step)
        return self._place

    def rewind(self, step):
        self._told("rewind", step)

    def scalars(self, step, values, at_s):
        self._told("scalars", step, values)

    def sample(self, step, sample, at_s):
        self._told("sample", step, sample)

    def model_card(self, step, text):
        self._told("model_card", step, text)

    def end(self, *, is_failed):
        self._told("end", is_failed)

    def _told(self, name, *values):
        self.calls.append((name, *values))
        if name == self._fails_in:
            raise self._error
        if name == self._hangs_in:
            self.release.wait(30)

    def calls_of(self, name):
        return [call for call in self.calls if call[0] == name]

    @property
    def names(self):
        return [call[0] for call in self.calls]
