"""The harness of the faults: it fails where it must, and its table adds up."""

import json

import pytest

from tests.faults.fault import MOST_TRIES, RECORD, WHOLE, fault, num_tries
from tests.faults.table import make_table


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv(RECORD, str(tmp_path / "record"))
    for name in (WHOLE, MOST_TRIES):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "record"


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"codes": [1]}, "exit 1"),
        ({"codes": [0, -9, 137]}, "exit -9, 137"),
        ({"codes": [0], "is_exact": False}, "the end is another"),
        ({"codes": [0], "lost": "a line"}, "a line"),
        ({"codes": [0], "said": "Traceback (most recent call last):\n"}, "a traceback"),
        ({"codes": [0], "said": b"Exception ignored in: x"}, "a traceback"),
    ],
)
def test_what_is_lost_or_silent_fails(record, how, problem):
    block = fault("x", codes={0, 2})
    tries = block.__enter__()
    tries.note("first", codes=[0, 2], said="error: a sentence", is_exact=True)
    tries.note("second", **how)
    with pytest.raises(AssertionError, match=problem):
        block.__exit__(None, None, None)
    assert "| x | 2 |" in make_table(record.read_text().splitlines())


def test_a_block_without_a_try_fails(record):
    with pytest.raises(AssertionError, match="no try"), fault("x", codes={0}):
        pass


def test_the_table_adds_rows_of_one_name_and_names_what_was_skipped(record):
    for _ in range(2):
        with fault("b", codes={0, -9}) as tries:
            tries.note("now", codes=[-9, 0], is_exact=True)
            tries.note("later", codes=[0])
    with pytest.raises(pytest.skip.Exception), fault("a", codes={0}):
        pytest.skip("only root can mount")
    with pytest.raises(OSError, match="odd"), fault("c", codes={0}):
        raise OSError("odd")
    rows = make_table(record.read_text().splitlines()).splitlines()[2:]
    assert rows == [
        "| a | 0 | | | skipped: only root can mount |",
        "| b | 4 | 2 of 2 | 0 | -9 (2), 0 (4) |",
        "| c | 1 | nothing to compare | 1 |  |",
    ]
    assert len(json.loads(record.read_text().splitlines()[0])["tries"]) == 2


def test_draws_are_seeded_and_counted(monkeypatch):
    for name in (WHOLE, MOST_TRIES):
        monkeypatch.delenv(name, raising=False)
    with fault("x", codes={0}) as tries:
        tries.note("now", codes=[0])
        first = [draw.random() for draw in tries.draws(quick=3, whole=60)]
        assert first == [draw.random() for draw in tries.draws(quick=3, whole=60)]
        assert len(set(first)) == 3
        assert len(tries.chosen(range(10), quick=4)) == 4
        monkeypatch.setenv(WHOLE, "1")
        assert len(list(tries.draws(quick=3, whole=60))) == 60
        assert tries.chosen(range(10), quick=4) == list(range(10))
    monkeypatch.setenv(MOST_TRIES, "5")
    assert num_tries(quick=3, whole=60) == 5
