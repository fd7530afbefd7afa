"""XLSX files are read by python-calamine, each mistake is one sentence."""

import sys
from datetime import date, datetime

import pytest

from mtcli.config.schema.data import SpreadsheetSource
from mtcli.data.dropped import Dropped
from mtcli.data.spreadsheets import _text, describe_spreadsheet, read_spreadsheet
from mtcli.errors import DataError
from tests.support.spreadsheets import write_xlsx

pytest.importorskip("python_calamine")

PAIRS = [("A dog.", "Ein Hund."), ("A < B & C", "Katze\nund Maus")]


@pytest.fixture
def source(tmp_path):
    def write(rows, **keys):
        sheets = rows if isinstance(rows, dict) else {"Sheet1": rows}
        path = write_xlsx(tmp_path / "a.xlsx", sheets)
        return SpreadsheetSource(kind="xlsx", path=path, **keys)

    return write


def read(source, dropped=None):
    return list(read_spreadsheet(source, dropped or Dropped()))


def refusal(source):
    with pytest.raises(DataError) as caught:
        read(source)
    return str(caught.value)


def test_two_columns(source):
    assert read(source(PAIRS)) == PAIRS
    assert list(describe_spreadsheet(source(PAIRS))) == []


def test_columns_keep_their_numbers_and_rows_their_place(source):
    rows = [[], [None, None, "a", "b"], [None, "  ", None, None], [None, None, "c", 7.0]]
    dropped = Dropped()
    found = source(rows, src_column=2, tgt_column=3)
    assert read(found, dropped) == [("a", "b"), ("c", "7")]
    assert dropped.num_blank == 2
    assert list(describe_spreadsheet(found)) == [
        f"{found.path}: it has 4 columns, of which 2 is the source and 3 the target, counted from 0"
    ]


def test_columns_by_name_and_a_sheet_by_name(source):
    sheets = {"notes": [("x",)], "pairs": [("id", "en", "de"), (1, "a", "b")]}
    assert read(source(sheets, sheet="pairs", src_column="en", tgt_column="de")) == [("a", "b")]
    broken = source(sheets, sheet="pair")
    assert refusal(broken) == (
        f"{broken.path} has no sheet `pair`\nhint: its sheets are notes, pairs"
    )
    broken = source(sheets, src_column="en")
    assert refusal(broken) == (
        f"{broken.path}: `src_column` is `en`, but the columns are x\n"
        "hint: name one of them, or count them from 0"
    )


def test_a_header_is_no_pair(source):
    found = source([("source", "target"), *PAIRS])
    assert read(found) == PAIRS
    assert list(describe_spreadsheet(found)) == [
        f"{found.path}: the first row, `source`, `target`, is read as a header"
        " (if it is a pair, set `header: false`)"
    ]
    assert len(read(source([("source", "target"), *PAIRS], header=False))) == 3


def test_an_empty_sheet_has_no_pairs(source):
    assert read(source([])) == []


def test_cells_become_text():
    cells = ["a", 7.0, 7.5, 7, True, "", date(2026, 1, 2), datetime(2026, 1, 2, 3, 4)]
    assert [_text(cell) for cell in cells] == [
        "a", "7", "7.5", "7", "True", "", "2026-01-02", "2026-01-02T03:04:00",
    ]  # fmt: skip


def test_what_is_no_spreadsheet_is_one_sentence(tmp_path):
    path = tmp_path / "a.xlsx"
    source = SpreadsheetSource(kind="xlsx", path=path)
    assert refusal(source) == f"{path} does not exist"
    for content in (b"a\tb\n", b"", b"PK\x03\x04 broken"):
        path.write_bytes(content)
        assert refusal(source).startswith(f"{path} cannot be read as a spreadsheet: ")


def test_a_missing_library_is_named(source, monkeypatch):
    found = source(PAIRS)
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    assert refusal(found) == (
        f"{found.path} is a spreadsheet, and `python-calamine` is not installed\n"
        "hint: install it with `pip install 'python-calamine>=0.4,<1'`, or save it as TSV"
    )
