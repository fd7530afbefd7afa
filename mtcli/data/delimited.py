"""Read TSV and CSV files: lines with columns that a character separates."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from mtcli.config.schema.data import DelimitedSource
from mtcli.data.columns import FoundColumns, find_columns, says_columns
from mtcli.data.dropped import BAD_LINES, Dropped
from mtcli.data.lines import read_file_lines
from mtcli.errors import DataError

_CANDIDATES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
"""Delimiters that a CSV file may have, the usual one first."""
_HEAD_LINES = 1000
"""Lines that are looked at to find delimiter, quotes and header."""
_MOST_LINES_OF_A_FIELD = 100
"""A quoted field of more lines is taken for one whose quote is never closed."""


class Layout(NamedTuple):
    """How a file is to be read."""

    delimiter: str
    has_quotes: bool
    """Fields in double quotes are read without them."""
    columns: FoundColumns


class _Row(NamedTuple):
    number: int
    """Of its first line, from 1."""
    fields: list[str]
    """Empty for a blank line, and for one that cannot be split."""
    problem: str = ""
    """Why it cannot be split."""


def read_delimited(source: DelimitedSource, dropped: Dropped) -> Iterator[tuple[str, str]]:
    """Read the source and target text of every row.

    Args:
        source: the file, and how to read it.
        dropped: counts blank lines, and bad ones where `bad_lines` is drop.

    Raises:
        DataError: the file cannot be read; a column is missing; a line has another number of
            columns than the first one, or a quote that is never closed.
    """
    layout = find_layout(source)
    rows = _rows(_lines(source), layout.delimiter, has_quotes=layout.has_quotes)
    src, tgt = layout.columns.src, layout.columns.tgt
    num_columns, first_line = 0, 0
    for number, fields, problem in rows:
        if not fields and not problem:
            dropped.num_blank += 1
            continue
        if not num_columns and not problem:
            num_columns, first_line = len(fields), number
            if layout.columns.has_header:
                continue
        if not problem and len(fields) != num_columns:
            problem = f"has {_counted(len(fields))}, but line {first_line} has {num_columns}"
        if not problem:
            yield fields[src], fields[tgt]
        elif source.bad_lines == "drop":
            dropped.add_unusable(str(source.path), BAD_LINES, f"line {number} {problem}")
        else:
            num_more = sum(not _is_good(row, num_columns) for row in rows)
            raise _bad_lines(source, f"line {number} {problem}", 1 + num_more)


def find_layout(source: DelimitedSource) -> Layout:
    """Find the delimiter, the quotes, the header and the columns of a file by its first lines.

    Raises:
        DataError: the file cannot be read; a column is missing.
    """
    head = [line for line in islice(_lines(source), _HEAD_LINES) if line.strip()]
    delimiter = source.delimiter or _find_delimiter(head, source)
    has_quotes = source.quoting
    if has_quotes is None:
        has_quotes = source.kind == "csv" or _is_quoted(head, delimiter)
    rows = [row for row in _rows(iter(head), delimiter, has_quotes=has_quotes) if not row.problem]
    try:
        columns = find_columns(source, [row.fields for row in rows])
    except DataError as error:
        if error.hint or not rows or len(rows[0].fields) > 1:
            raise
        raise DataError(error.sentence, hint=_hint_of_one_column(head, source)) from None
    return Layout(delimiter, has_quotes, columns)


def describe_delimited(source: DelimitedSource, layout: Layout) -> Iterator[str]:
    """What was found in the file where the config does not say it: nothing of the usual kind."""
    found = []
    usual = "\t" if source.kind == "tsv" else ","
    if layout.delimiter not in (usual, source.delimiter):
        name = _CANDIDATES.get(layout.delimiter, repr(layout.delimiter))
        found.append(f"columns are separated by {name} (`delimiter`)")
    if source.kind == "tsv" and source.quoting is None and layout.has_quotes:
        found.append("fields are in quotes, which are removed (`quoting`)")
    found += says_columns(source, layout.columns)
    if found:
        yield f"{source.path}: {'; '.join(found)}"


def _lines(source: DelimitedSource) -> Iterator[str]:
    return read_file_lines(source.path, source.encoding)


def _find_delimiter(head: list[str], source: DelimitedSource) -> str:
    """The delimiter that gives most of the first lines as many columns as the first one.

    Raises:
        DataError: two of them fit all lines.
    """
    if source.kind == "tsv":
        return "\t"
    names = {column for column in source.columns if isinstance(column, str)}
    has_quotes = source.quoting is not False
    ranks: dict[str, tuple[bool, float, bool]] = {}
    for candidate in _CANDIDATES:
        rows = [row.fields for row in _rows(iter(head), candidate, has_quotes=has_quotes)]
        num_columns = len(rows[0]) if rows else 0
        if num_columns > 1:
            share = sum(len(fields) == num_columns for fields in rows) / len(rows)
            # a space follows it where it is punctuation of the texts
            is_tight = not any(field.startswith(" ") for fields in rows for field in fields)
            ranks[candidate] = names <= set(rows[0]), share, is_tight
    best = max(ranks, key=lambda candidate: ranks[candidate], default=",")
    equals = [_CANDIDATES[candidate] for candidate, rank in ranks.items() if rank == ranks[best]]
    if len(equals) > 1 and ranks[best][1] == 1.0:
        raise DataError(
            f"{source.path}: {' and '.join(equals)} may separate its columns",
            hint="set `delimiter`",
        )
    return best


def _is_quoted(head: list[str], delimiter: str) -> bool:
    """Whether every field of the first lines is in quotes."""
    fields = [field for line in head for field in line.split(delimiter)]
    return bool(fields) and all(len(field) > 1 and field[0] == field[-1] == '"' for field in fields)


def _rows(lines: Iterator[str], delimiter: str, *, has_quotes: bool) -> Iterator[_Row]:
    """Split lines into fields; a blank line has none."""
    ahead: deque[str] = deque()  # lines behind a quote that is never closed
    number = 0
    while True:
        line = ahead.popleft() if ahead else next(lines, None)
        if line is None:
            return
        number += 1
        if not line.strip():
            yield _Row(number, [])
        elif not has_quotes or '"' not in line:
            yield _Row(number, line.split(delimiter))
        else:
            row, num_more = _quoted_row(line, number, delimiter, lines, ahead)
            yield row
            number += num_more


def _quoted_row(
    line: str, number: int, delimiter: str, lines: Iterator[str], ahead: deque[str]
) -> tuple[_Row, int]:
    """The row that begins with a line, and how many lines it takes besides.

    A quote that is never closed takes only its own line: the lines that were read in search of its
    end are put into `ahead`.
    """
    taken = [line]
    while True:
        try:
            (fields,) = csv.reader(["\n".join(taken)], delimiter=delimiter, strict=True)
            return _Row(number, fields), len(taken) - 1
        except csv.Error as error:
            reason = str(error)
        is_open = "end of data" in reason
        more = None
        if is_open and len(taken) < _MOST_LINES_OF_A_FIELD:
            more = ahead.popleft() if ahead else next(lines, None)
        if more is None:
            ahead.extendleft(reversed(taken[1:]))
            problem = "has a quote that is not closed" if is_open else f"is not CSV: {reason}"
            return _Row(number, [], problem), 0
        taken.append(more)


def _is_good(row: _Row, num_columns: int) -> bool:
    return not row.problem and len(row.fields) in (0, num_columns)


def _bad_lines(source: DelimitedSource, example: str, count: int) -> DataError:
    """The error of a file with bad lines."""
    hint = "correct them, or drop them with `bad_lines: drop`"
    if "quote" in example:
        hint += "; if quotes are part of the texts, set `quoting: false`"
    elif source.quoting is None and source.kind == "tsv":
        hint += "; if texts with tabs are in quotes, set `quoting: true`"
    lines = "1 bad line" if count == 1 else f"{count} bad lines"
    return DataError(f"{source.path} has {lines}: {example}", hint=hint)


def _hint_of_one_column(head: list[str], source: DelimitedSource) -> str:
    """What to do about a file that seems to have one column."""
    for candidate, name in _CANDIDATES.items():
        counts = {line.count(candidate) for line in head}
        if counts != {0} and len(counts) == 1:
            shown = "\\t" if candidate == "\t" else candidate
            return f'the lines have {name} each; set `delimiter: "{shown}"`'
    return "separate the columns by a tab, or set `delimiter`"


def _counted(num_columns: int) -> str:
    return "1 column" if num_columns == 1 else f"{num_columns} columns"
