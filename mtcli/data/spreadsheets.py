"""Read a sheet of an XLSX, XLS or ODS file, with python-calamine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from mtcli.config.schema.data import SpreadsheetSource
from mtcli.data.columns import FoundColumns, find_columns, says_columns
from mtcli.data.dropped import Dropped
from mtcli.data.lines import unreadable
from mtcli.errors import DataError

_HEAD_ROWS = 1000


def read_spreadsheet(source: SpreadsheetSource, dropped: Dropped) -> Iterator[tuple[str, str]]:
    """Read the source and target text of every row; numbers become text.

    Args:
        source: the file, and how to read it.
        dropped: counts blank rows.

    Raises:
        DataError: python-calamine is missing; the file cannot be read; a column is missing.
    """
    rows = _rows(source)
    columns = find_sheet_columns(source, rows)
    is_header = columns.has_header
    for row in rows:
        if not any(cell.strip() for cell in row):
            dropped.num_blank += 1
        elif is_header:
            is_header = False
        else:
            yield row[columns.src], row[columns.tgt]


def describe_spreadsheet(source: SpreadsheetSource) -> Iterator[str]:
    """What was found in the file where the config does not say it: nothing of the usual kind.

    Raises:
        DataError: as `read_spreadsheet`.
    """
    if found := list(says_columns(source, find_sheet_columns(source, _rows(source)))):
        yield f"{source.path}: {'; '.join(found)}"


def header_of(source: SpreadsheetSource) -> tuple[str, ...]:
    """The fields of the first row.

    Raises:
        DataError: as `read_spreadsheet`.
    """
    return find_sheet_columns(source, _rows(source)).names


def find_sheet_columns(source: SpreadsheetSource, rows: list[list[str]]) -> FoundColumns:
    """The columns that the source asks for.

    Raises:
        DataError: one is missing.
    """
    head = (row for row in rows if any(cell.strip() for cell in row))
    return find_columns(source, list(islice(head, _HEAD_ROWS)))


def _rows(source: SpreadsheetSource) -> list[list[str]]:
    """All rows of the sheet, each with the same number of cells."""
    try:
        import python_calamine
    except ImportError:
        raise DataError(
            f"{source.path} is a spreadsheet, and `python-calamine` is not installed",
            hint="install it with `pip install 'python-calamine>=0.4,<1'`, or save it as TSV",
        ) from None
    try:
        source.path.open("rb").close()  # names the reason, which the library does not
        with python_calamine.load_workbook(str(source.path)) as book:
            if source.sheet is None:
                sheet = book.get_sheet_by_index(0)
            elif source.sheet in book.sheet_names:
                sheet = book.get_sheet_by_name(source.sheet)
            else:
                raise DataError(
                    f"{source.path} has no sheet `{source.sheet}`",
                    hint=f"its sheets are {', '.join(book.sheet_names)}",
                )
            return [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except OSError as error:
        raise DataError(unreadable(source.path, error)) from None
    except python_calamine.CalamineError as error:
        raise DataError(f"{source.path} cannot be read as a spreadsheet: {error}") from None


def _text(cell: Any) -> str:
    """The text of a cell; a whole number has no point, and dates are as ISO 8601 writes them."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, int | float | bool | timedelta) else str(cell or "")
