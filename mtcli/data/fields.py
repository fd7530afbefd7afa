"""Find texts in records: by a key, or by keys of nested objects with dots between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtcli.system.raw_lines import MAX_LINE_BYTES


def value_of_field(record: Mapping[str, Any], field: str) -> Any:
    """The value of a field; None if the record lacks it.

    A dot enters a nested object, unless a key has that very name.
    """
    if field in record:
        return record[field]
    value: Any = record
    for step in field.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def has_field(record: Mapping[str, Any], field: str) -> bool:
    """Whether the record has the field, even if its value is null."""
    outer, _, name = field.rpartition(".")
    inner = value_of_field(record, outer) if outer else record
    return field in record or (isinstance(inner, Mapping) and name in inner)


def describe_keys(record: Mapping[str, Any], field: str) -> str:
    """Which keys there are where the field is missing."""
    first, _, rest = field.partition(".")
    inner = record.get(first)
    if rest and isinstance(inner, Mapping):
        return f"`{first}` has {', '.join(inner):.200}"
    return f"the keys are {', '.join(record):.500}"


def text_of_value(value: object, field: str) -> str:
    """A value as text; null is empty.

    Raises:
        ValueError: it is not text, no Unicode text, or longer than any sentence.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"`{field}` is {value!r:.100}, which is not text")
    if len(value) > MAX_LINE_BYTES:
        raise ValueError(f"`{field}` has more than {MAX_LINE_BYTES:,} characters")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        half = ord(value[error.start])
        raise ValueError(f"`{field}` holds U+{half:04X}, half of a character") from None
    return value
