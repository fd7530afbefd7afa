"""The lock of a run folder."""

import os

import pytest

from mtcli.errors import RunFolderError
from mtcli.runs.lock import is_in_use, locked


def test_a_lock_is_held_by_one(tmp_path):
    run = tmp_path / "run"
    assert not is_in_use(run)
    with locked(run):
        assert is_in_use(run)
        sentence = rf"is in use by another mtcli \(process {os.getpid()}\)\nhint: wait for it"
        with pytest.raises(RunFolderError, match=sentence), locked(run):
            pass
    assert not is_in_use(run)
