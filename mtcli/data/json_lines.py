"""Read JSON lines: a JSON object on each line, or one JSON array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from mtcli.config.schema.data import JsonLinesSource
from mtcli.data.dropped import BAD_LINES, Dropped
from mtcli.data.fields import describe_keys, has_field, text_of_value, value_of_field
from mtcli.data.lines import read_file_lines, unreadable
from mtcli.errors import DataError
from mtcli.system.raw_lines import MAX_LINE_BYTES
from mtcli.system.text_input import open_text

_HEAD_RECORDS = 1000
_START_BYTES = 256
_MAX_ARRAY_BYTES = 2**30
"""An array is read at once; it takes several times as much memory."""


def read_json_lines(source: JsonLinesSource, dropped: Dropped) -> Iterator[tuple[str, str]]:
    """Read the source and target text of every record; null becomes empty text.

    A key that a record lacks is null there, if one of the first records has it.

    Args:
        source: the file and its keys.
        dropped: counts blank lines, and bad ones where `bad_lines` is drop.

    Raises:
        DataError: the file cannot be read; a line is not a JSON object; a key is missing or holds
            no text.
    """
    records = _records(source, dropped)
    head = list(islice(records, _HEAD_RECORDS))
    objects = [record for _, record in head if isinstance(record, Mapping)]
    for key, name in (("src_field", source.src_field), ("tgt_field", source.tgt_field)):
        _check_key(source, key, name, objects)
    for number, record in chain(head, records):
        try:
            if isinstance(record, ValueError):
                raise record
            src, tgt = (
                text_of_value(value_of_field(record, name), name)
                for name in (source.src_field, source.tgt_field)
            )
        except ValueError as error:
            example = f"line {number}: {error}"
            if source.bad_lines == "refuse":
                raise DataError(
                    f"{source.path}, {example}",
                    hint="correct it, or drop such lines with `bad_lines: drop`",
                ) from None
            dropped.add_unusable(str(source.path), BAD_LINES, example)
        else:
            yield src, tgt


def _records(source: JsonLinesSource, dropped: Dropped) -> Iterator[tuple[int, Any]]:
    """Number from 1 and value of each record: of each line, or of each item of an array.

    The value of a line that is not JSON is a ValueError that says so.
    """
    max_bytes = _MAX_ARRAY_BYTES if _is_array(source) else MAX_LINE_BYTES
    lines = read_file_lines(source.path, source.encoding, max_bytes)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            dropped.num_blank += 1
        elif number == 1 and line.lstrip().startswith("["):
            yield from enumerate(_array(source, "\n".join([line, *lines])), start=1)
        else:
            yield number, _parsed(line)


def _is_array(source: JsonLinesSource) -> bool:
    """Whether the file begins like an array, which may be written on one line."""
    try:
        with open_text(source.path, source.encoding) as file:
            start = file.read(_START_BYTES)
    except OSError as error:
        raise DataError(unreadable(source.path, error)) from None
    return start.decode(source.encoding, "ignore").lstrip("\ufeff \t\r\n").startswith("[")


def _parsed(line: str) -> Any:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return ValueError(f"it is not JSON ({what})")
    if not isinstance(record, dict):
        return ValueError(f"it holds {record!r:.100}, not a JSON object")
    return record


def _array(source: JsonLinesSource, text: str) -> list[Any]:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{source.path} begins like a JSON array, but is none: {error}",
            hint="write a JSON object on each line",
        ) from None
    return [
        record if isinstance(record, dict) else ValueError(f"it is {record!r:.100}, not an object")
        for record in records
    ]


def _check_key(
    source: JsonLinesSource, key: str, name: str, objects: list[Mapping[str, Any]]
) -> None:
    """Refuse a key that none of the first records has, and say which keys there are."""
    if objects and not any(has_field(record, name) for record in objects):
        found = describe_keys(objects[0], name)
        raise DataError(
            f"{source.path}: `{key}` is `{name}`, but {found}",
            hint="name one of them; a dot selects a key of a nested object",
        )
