"""Read what `dump_config` wrote, a hundred times as fast as YAML in general."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mtcli.config.document import parse_yaml
from mtcli.config.places import value_at, value_places
from mtcli.config.problems import KeyPath

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_WHOLE = r"-?(?:0|[1-9]\d*)"
_NUMBER = rf"{_WHOLE}\.\d+(?:e[-+]?\d+)?"
_PLAIN = rf"(?:[A-Za-z_/][\w/.-]*|{_NUMBER}|{_WHOLE})"
_ITEM = rf"(?:{_QUOTED}|{_PLAIN})"
_LINE = re.compile(
    rf"(?P<indent> *)(?P<bullet>- )?(?P<name>\w+):"
    rf"(?: (?P<value>{_ITEM}|\[(?:{_ITEM}(?:, {_ITEM})*)?\]))?(?:  # .*)?"
)
_MOST_DIGITS = 20
_WORDS = {"null": None, "true": True, "false": False}


class _NotOursError(Exception):
    """A line that `dump_config` would not write."""


def read_dumped(text: str) -> dict[KeyPath, Any]:
    """The values of a config by their keys; a list of plain values is one value.

    Args:
        text: of a resolved config. One that somebody has edited is read as YAML.

    Raises:
        ConfigError: it is not YAML.
    """
    try:
        return dict(_lines_of(text))
    except _NotOursError:
        document = parse_yaml(text)
        places = value_places(document).values()
        return {place: value_at(document.value, place) for place in places}


def _lines_of(text: str) -> Iterator[tuple[KeyPath, Any]]:
    above: list[tuple[int, str | int]] = []
    """Indentation and part of each key that the line is below."""
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise _NotOursError
        indent = len(match["indent"])
        if match["bullet"]:
            while above and above[-1][0] > indent:
                above.pop()
            is_next = bool(above) and above[-1][0] == indent and isinstance(above[-1][1], int)
            number = int(above.pop()[1]) + 1 if is_next else 0
            above.append((indent, number))
            indent += 2
        while above and above[-1][0] >= indent:
            above.pop()
        path = (*(part for _, part in above), match["name"])
        above.append((indent, match["name"]))
        if match["value"] is not None:
            yield path, _value_of(match["value"])


def _value_of(text: str) -> Any:
    if text.startswith("["):
        return [_value_of(item) for item in re.findall(_ITEM, text[1:-1])]
    if text.startswith('"'):
        try:
            return json.loads(text)
        except ValueError:  # an escape that JSON has not
            raise _NotOursError from None
    if text in _WORDS:
        return _WORDS[text]
    if text.lower() in _WORDS:  # another way to write it in YAML
        raise _NotOursError
    if re.fullmatch(_WHOLE, text):
        if len(text) > _MOST_DIGITS:
            raise _NotOursError
        return int(text)
    return float(text) if re.fullmatch(_NUMBER, text) else text
