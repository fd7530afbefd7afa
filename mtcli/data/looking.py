"""Look at the files of a corpus before they are read, so that nothing is guessed in silence."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from mtcli.config.schema.data import (
    DelimitedSource,
    Source,
    SpreadsheetSource,
    TextSource,
)
from mtcli.data.delimited import describe_delimited, find_layout
from mtcli.data.lines import read_file_lines
from mtcli.data.spreadsheets import describe_spreadsheet
from mtcli.errors import DataError

_HEAD_LINES = 1000
_FEWEST_LINES = 2
"""Lines that suffice to tell a table from text, and JSON from text."""


def look_at(sources: Sequence[Source]) -> Iterator[str]:
    """What a user should know of how the files are read: delimiters, headers, quotes that were
    found, not written in the config. Nothing where there is nothing to say.

    Raises:
        DataError: a text file holds a table, JSON, or one long line; a column is missing.
    """
    for source in sources:
        match source:
            case TextSource():
                for path in (source.src, source.tgt):
                    refuse_other_kinds(path, source.encoding)
            case DelimitedSource():
                yield from describe_delimited(source, find_layout(source))
            case SpreadsheetSource():
                yield from describe_spreadsheet(source)
            case _:
                pass


def copied_sources(sources: Sequence[Source]) -> Iterator[str]:
    """A sentence for each source whose two sides are the same text."""
    for source in sources:
        match source:
            case TextSource(src=src, tgt=tgt):
                if src.samefile(tgt):
                    yield f"{src} is both the source and the target"
                elif src.stat().st_size and filecmp.cmp(src, tgt, shallow=False):
                    yield f"{src} and {tgt} hold the same text"
            case DelimitedSource() | SpreadsheetSource():
                src_column, tgt_column = source.columns
                if src_column == tgt_column:
                    yield f"{source.path}: column `{src_column}` is both the source and the target"
            case _:
                pass


def refuse_other_kinds(path: Path, encoding: str) -> None:
    """Refuse a file that holds lines, but not a sentence on each.

    Raises:
        DataError: it is a table, JSON lines, or has the line breaks of old Macs.
    """
    head = list(islice(read_file_lines(path, encoding), _HEAD_LINES))
    lines = [line for line in head if line.strip()]
    if len(head) == 1 and head[0].rstrip("\r").count("\r"):
        raise DataError(
            f"{path} has one line, with {head[0].count(chr(13))} carriage returns (CR) and no"
            " line feed (LF)",
            hint=r"convert its line breaks, for example with `tr '\r' '\n'`",
        )
    if len(lines) >= _FEWEST_LINES and all(map(_is_json_object, lines)):
        raise DataError(
            f"{path} holds JSON lines, not a sentence on each line",
            hint="read it with `kind: jsonl`, `path`, `src_field` and `tgt_field`",
        )
    num_tabs = lines[0].count("\t") if lines else 0
    if num_tabs and len(lines) >= _FEWEST_LINES and all(x.count("\t") == num_tabs for x in lines):
        raise DataError(
            f"{path} holds {num_tabs + 1} columns with tabs between them, not a sentence on each"
            " line",
            hint="read it with `kind: tsv`, `path`, `src_column` and `tgt_column`",
        )


def _is_json_object(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
