"""Read pairs with the documents that they stand in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from mtcli.config.schema.data import (
    Column,
    DelimitedSource,
    DocumentsConfig,
    HubSource,
    JsonLinesSource,
    Source,
    SpreadsheetSource,
    TableSource,
)
from mtcli.data.dropped import Dropped
from mtcli.data.sources import describe_source, read_pairs
from mtcli.errors import DataError

_T = TypeVar("_T")

NumberedPair = tuple[int, tuple[str, str]]
"""The number of a document and a pair of it; a pair that is blank on both sides separates two."""


def read_documents(
    sources: Sequence[Source], config: DocumentsConfig, dropped: Dropped | None = None
) -> Iterator[NumberedPair]:
    """Read the pairs of all sources in order, each with the number of its document, from 0.

    Raises:
        DataError: as `read_pairs`; there is but one document, so that boundaries are missing.
    """
    number, num_pairs, has_boundary = 0, 0, False
    for place, source in enumerate(sources):
        number += place > 0
        ids = _ids_of(source, config.column)
        last: str | None = None
        for pair, document in zip(read_pairs([source], dropped), ids, strict=False):
            is_blank = not pair[0].strip() and not pair[1].strip()
            if is_blank or (last is not None and document != last):
                number += 1
                has_boundary = True
            last = document
            num_pairs += not is_blank
            yield number, pair
    if not has_boundary and number == 0 and num_pairs > 1:
        name = " and ".join(describe_source(source) for source in sources)
        raise DataError(
            f"`data.documents` is set, but no {_boundary(config.column)} in {name}: all"
            f" {num_pairs} pairs are one document",
            hint="separate documents with a line that is blank on both sides, or name a column of"
            " ids as `data.documents.column`",
        )


def _boundary(column: Column | None) -> str:
    if column is None:
        return "blank line ends a document"
    return f"two pairs differ in column {column!r}"


def _ids_of(source: Source, column: Column | None) -> Iterable[str | None]:
    """The id of each pair's document, pair by pair; None for all where blank lines end them."""
    if column is None:
        return _endless(None)
    match source:
        case DelimitedSource():
            by_id: Source = replace(
                source, src_column=column, tgt_column=column, src_field=None, tgt_field=None
            )
        case SpreadsheetSource():
            by_id = replace(source, src_column=column, tgt_column=column)
        case JsonLinesSource() | TableSource() | HubSource():
            by_id = replace(source, src_field=str(column), tgt_field=str(column))
        case _:  # the config refuses these
            raise ValueError(f"a source of kind {source.kind} has no columns")
    return (document for document, _ in read_pairs([by_id]))


def _endless(value: _T) -> Iterator[_T]:
    while True:
        yield value


def documents_of(pairs: Iterable[NumberedPair]) -> tuple[list[tuple[str, str]], list[int]]:
    """The pairs that are not blank on both sides, and the number of each one's document."""
    kept = [(number, pair) for number, pair in pairs if pair[0].strip() or pair[1].strip()]
    return [pair for _, pair in kept], [number for number, _ in kept]


def noting_documents(
    pairs: Iterable[NumberedPair], numbers: deque[int]
) -> Iterator[tuple[str, str]]:
    """The pairs alone; the numbers of their documents are added to `numbers`."""
    for number, pair in pairs:
        numbers.append(number)
        yield pair
