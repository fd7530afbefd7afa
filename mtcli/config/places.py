"""Which key has its value on which line of a config file."""

from __future__ import annotations

from typing import Any

from mtcli.config.document import Document
from mtcli.config.problems import KeyPath


def value_places(document: Document) -> dict[int, KeyPath]:
    """The key of the value on each line; a list of plain values is one value."""
    places: dict[int, KeyPath] = {}
    for place, line in document.lines.items():
        value = value_at(document.value, place)
        if isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(item, dict) for item in value)
        ):
            continue
        if place and isinstance(place[-1], str):
            places[line] = place
    return places


def value_at(value: Any, place: KeyPath) -> Any:
    """The value at `place`; None if there is no value."""
    for part in place:
        is_there = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if not is_there:
            return None
        value = value[part]
    return value
