"""A worker that is done leaves at once; a process alone ends as programs do."""

import pytest

from mtcli.distributed import worker


@pytest.fixture
def exits(monkeypatch):
    codes = []
    monkeypatch.setattr(worker.os, "_exit", codes.append)
    return codes


@pytest.mark.parametrize(("size", "expected"), [("2", [75]), ("1", [])])
def test_one_of_several_leaves_with_its_code(monkeypatch, exits, size, expected):
    place = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": size,
             "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}  # fmt: skip
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    worker.end_worker(75)
    assert exits == expected


def test_a_process_alone_goes_on(monkeypatch, exits):
    monkeypatch.delenv("RANK", raising=False)
    worker.end_worker(0)
    assert exits == []
