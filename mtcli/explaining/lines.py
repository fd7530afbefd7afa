"""The lines that are to be explained, and which of them are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mtcli.errors import DataError

MOST_LINES = 100
"""Lines that are explained at once: a page shows each of them."""


class Limit(NamedTuple):
    """Most pieces of a line, and why."""

    num_pieces: int
    why: str
    """Ends the sentence of the error."""


class NamedLines(NamedTuple):
    """Lines with what they are called in messages."""

    name: str
    texts: Sequence[str]


def check_lines(sources: NamedLines, targets: NamedLines | None) -> None:
    """Refuse what no page can show, before a model is loaded.

    Args:
        sources: what is translated.
        targets: given translations; None if the model makes them.

    Raises:
        DataError: there are no lines, or too many, or of one side fewer; or one is blank.
    """
    for lines in (sources, targets):
        if lines is None:
            continue
        if not lines.texts:
            raise DataError(f"{lines.name} has no lines", hint="give at least one sentence")
        if len(lines.texts) > MOST_LINES:
            raise DataError(
                f"{lines.name} has more than {MOST_LINES} lines, the most that one page explains",
                hint=f"choose some, for example with `head -n {MOST_LINES}`",
            )
    if targets is not None:
        check_same_number(sources, targets)
    for lines in (sources, targets):
        for number, text in enumerate(lines.texts if lines else (), start=1):
            if not text.strip():
                raise blank_line(lines.name if lines else "", number)


def check_same_number(lines: NamedLines, others: NamedLines) -> None:
    """Raise DataError if one has more lines than the other."""
    if len(lines.texts) != len(others.texts):
        raise DataError(
            f"{lines.name} has {len(lines.texts)} lines, but {others.name} has {len(others.texts)}",
            hint="line N of one file must belong to line N of the other",
        )


def check_pieces(lines: NamedLines, ids_of: Sequence[Sequence[int]], limit: Limit) -> None:
    """Refuse lines that have no pieces, or too many.

    Raises:
        DataError: a line has no pieces, or too many.
    """
    for number, ids in enumerate(ids_of, start=1):
        if not ids:
            raise blank_line(lines.name, number)
        if len(ids) > limit.num_pieces:
            raise DataError(
                f"{lines.name}, line {number} has {len(ids)} pieces, more than"
                f" {limit.num_pieces}, {limit.why}",
                hint="give its sentences or clauses one by one",
            )


def blank_line(name: str, number: int) -> DataError:
    """The error about a line without text."""
    return DataError(
        f"{name}, line {number} is blank: there is nothing to explain", hint="remove the line"
    )
