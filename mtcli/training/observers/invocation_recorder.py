"""The observer that keeps the command of a run in its folder."""

from __future__ import annotations

from mtcli.runs.folder import RunFolder
from mtcli.runs.invocations import Invocation, record_invocation
from mtcli.training.observers.protocol import Observer, Phase


class InvocationRecorder(Observer):
    """Appends to invocations.jsonl once the run folder is this process's own."""

    def __init__(self, run: RunFolder, invocation: Invocation) -> None:
        self._run, self._invocation = run, invocation
        self._is_recorded = False

    def entered(self, phase: Phase) -> None:
        """Append a line, in the first phase."""
        if not self._is_recorded:
            self._is_recorded = True
            record_invocation(self._run, self._invocation)
