"""Find the two columns of a table, and whether its first row is a header."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mtcli.config.schema.data import DelimitedSource, SpreadsheetSource
from mtcli.errors import DataError

_HEADER_WORDS = frozenset(
    {
        *("src", "source", "sources", "tgt", "trg", "target", "targets", "input", "output", "mt"),
        *("ref", "reference", "references", "hyp", "text", "texts", "string", "strings", "phrase"),
        *("sentence", "sentences", "segment", "segments", "original", "translation"),
        *("translations", "translated", "lang", "language", "id", "key", "value", "arabic"),
        *("bengali", "bulgarian", "chinese", "croatian", "czech", "danish", "dutch", "english"),
        *("estonian", "finnish", "french", "german", "greek", "hebrew", "hindi", "hungarian"),
        *("indonesian", "irish", "italian", "japanese", "korean", "latvian", "lithuanian"),
        *("norwegian", "persian", "polish", "portuguese", "romanian", "russian", "serbian"),
        *("slovak", "slovenian", "spanish", "swahili", "swedish", "thai", "turkish", "ukrainian"),
        *("urdu", "vietnamese", "deutsch", "français", "español", "italiano", "português"),
    }
)
"""Words that name a column, besides language tags."""
_TAG = re.compile(r"[a-z]{2,3}")
_NO_TAG = re.compile(r"(?!)")
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"[.!?…。！？।؟,:;]")
_FEWEST_ROWS = 20
"""Rows in which unusual short texts show."""
_MOST_NAMES = 0.05
"""Share of the rows that may look like a header where the first row is taken for one."""
_MOST_SHORT = 0.01
_LONGEST_NAME = 25


class FoundColumns(NamedTuple):
    """The columns of a table."""

    src: int
    tgt: int
    names: tuple[str, ...]
    """The header, or what the first row holds; for messages."""
    has_header: bool
    is_guess: bool
    """Whether the look of the first row alone says that it is a header."""


def find_columns(
    source: DelimitedSource | SpreadsheetSource, rows: Sequence[Sequence[str]]
) -> FoundColumns:
    """Find the columns that a source asks for.

    Args:
        source: the table.
        rows: its first rows, the header included; blank ones left out.

    Raises:
        DataError: a column is missing, or its name stands twice in the header.
    """
    if not rows:
        return FoundColumns(0, 0, (), False, False)
    src, tgt = (_find(source, side, rows[0]) for side in (0, 1))
    is_named = any(isinstance(column, str) for column in source.columns)
    is_guess = source.header is None and not is_named
    pairs = [(row[src], row[tgt]) for row in rows if len(row) > max(src, tgt)]
    has_header = _looks_like_header(pairs) if is_guess else source.header is not False
    return FoundColumns(src, tgt, tuple(rows[0]), has_header, is_guess and has_header)


def says_columns(
    source: DelimitedSource | SpreadsheetSource, columns: FoundColumns
) -> Iterator[str]:
    """What a log should say of the columns: a header that was guessed, others that are not read."""
    if columns.is_guess:
        shown = ", ".join(f"`{name}`" for name in columns.names)
        yield f"the first row, {shown}, is read as a header (if it is a pair, set `header: false`)"
    if len(columns.names) > 2 and not any(isinstance(column, str) for column in source.columns):
        yield (
            f"it has {len(columns.names)} columns, of which {columns.src} is the source and"
            f" {columns.tgt} the target, counted from 0"
        )


def _find(source: DelimitedSource | SpreadsheetSource, side: int, first_row: Sequence[str]) -> int:
    column = source.columns[side]
    key = ("src_column", "tgt_column")[side]
    if isinstance(column, int):
        if column < len(first_row):
            return column
        has = "1 column" if len(first_row) == 1 else f"{len(first_row)} columns"
        hint = "count columns from 0" if len(first_row) > 1 else ""
        raise DataError(f"{source.path}: `{key}` is {column}, but it has {has}", hint=hint)
    names = [name.strip() for name in first_row]
    if names.count(column.strip()) == 1:
        return names.index(column.strip())
    if isinstance(source, DelimitedSource) and column in (source.src_field, source.tgt_field):
        key = ("src_field", "tgt_field")[side]
    sentence = f"{source.path}: `{key}` is `{column}`, but the columns are {', '.join(names)}"
    raise DataError(sentence, hint="name one of them, or count them from 0")


def _looks_like_header(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether the first pair names two columns.

    It does if both texts are made of the usual words or of language tags, and hardly any other pair
    is; or if both are short and without punctuation where all other pairs are longer.
    """
    if not pairs or pairs[0][0] == pairs[0][1]:
        return False
    first, body = pairs[0], pairs[1:]
    for tag in (_NO_TAG, _TAG):
        if _are_names(first, tag):
            return sum(_are_names(pair, tag) for pair in body) <= _MOST_NAMES * len(body)
    if not _are_short(first) or len(body) < _FEWEST_ROWS:
        return False
    return sum(map(_are_short, body)) <= _MOST_SHORT * len(body)


def _are_names(pair: tuple[str, str], tag: re.Pattern[str]) -> bool:
    """Whether both texts consist of words such as `source`, or of what is a tag such as `en`."""
    for text in pair:
        words = _WORD.findall(text.casefold())
        if not words or not all(word in _HEADER_WORDS or tag.fullmatch(word) for word in words):
            return False
        if _SENTENCE_END.search(text):
            return False
    return True


def _are_short(pair: tuple[str, str]) -> bool:
    """Whether both texts are one or two words without punctuation."""
    return all(
        1 <= len(text.split()) <= 2
        and len(text) <= _LONGEST_NAME
        and not _SENTENCE_END.search(text)
        and any(char.isalpha() for char in text)
        for text in pair
    )
