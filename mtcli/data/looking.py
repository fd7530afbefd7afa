"""Look at the files of a corpus before they are read, so that nothing is guessed in silence."""

from __future__ import annotations

import filecmp
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
from mtcli.data.other_kinds import HEAD_LINES, other_kind
from mtcli.data.spreadsheets import describe_spreadsheet
from mtcli.errors import DataError


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
    if other := other_kind(list(islice(read_file_lines(path, encoding), HEAD_LINES))):
        raise DataError(f"{path} {other.what}, not a sentence on each line", hint=other.hint)
