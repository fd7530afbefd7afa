"""Turn the errors of pydantic into sentences that name the key, the value and the remedy."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mtcli.config.keys import Key, Section, root_section
from mtcli.config.problems import (
    KeyPath,
    Origins,
    Problem,
    dotted,
    nearest,
    origin_of,
    shortened,
)
from mtcli.config.schema.sections import KIND, Conflict, ConflictError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LONGEST_LIST = 300
"""Characters of a list that is shown."""


@dataclass(frozen=True)
class _Place:
    """The place of an error in the schema."""

    path: KeyPath
    """Names and list positions, without the tags that pydantic adds for variants."""
    key: Key | None
    """The innermost key; None if the schema does not know it, or for the whole config."""
    section: Section
    """The section that holds the innermost key, or that the whole error is about."""
    siblings: tuple[Section, ...]
    """The variants that `kind` could have chosen instead of `section`, itself included."""


def problems_in(details: Mapping[str, Any] | ErrorDetails, origins: Origins) -> list[Problem]:
    """The problems of one pydantic error: several if a section has several conflicts."""
    place = _locate(details["loc"])
    if details["type"] == "value_error":
        error = details["ctx"]["error"]
        if isinstance(error, ConflictError):
            return list(conflict_problems(error.conflicts, place.path, origins))
        return [_problem(place.path, str(error), origins)]
    if details["type"] == "unexpected_keyword_argument":
        return [_problem(place.path, _unknown(place), origins)]
    if details["type"] == "missing" and place.key is not None:
        if isinstance(place.path[-1], str):
            return [_problem(place.path, f"missing; must be {place.key.expected}", origins)]
        place = replace(place, path=place.path[:-1])  # a pair of numbers lacks the second
    if details["type"].startswith("union_tag") and isinstance(details["input"], dict):
        return [_problem((*place.path, KIND), _wrong_kind(place, details["input"]), origins)]
    return [_problem(place.path, _wrong_value(place, details["input"]), origins)]


def conflict_problems(
    conflicts: tuple[Conflict, ...], section: KeyPath, origins: Origins
) -> Iterator[Problem]:
    """One problem for each conflict, at the first of its keys that has an origin."""
    for conflict in conflicts:
        paths = [(*section, *key.split(".")) for key in conflict.keys]
        path = next((path for path in paths if path in origins), paths[0])
        yield _problem(path, conflict.message, origins)


def _problem(path: KeyPath, message: str, origins: Origins) -> Problem:
    return Problem(origin_of(path, origins), dotted(path), message)


def _locate(loc: tuple[str | int, ...]) -> _Place:
    path: list[str | int] = []
    key: Key | None = None
    section = root_section()
    siblings: tuple[Section, ...] = (section,)
    parts = iter(loc)
    for part in parts:
        path.append(part)
        key = section.keys.get(str(part))
        if key is None or not key.variants:
            # pydantic appends the name of the type that it tried, where there are several
            path += [part for part in parts if isinstance(part, int) or key is None]
            break
        if key.is_list:
            index = next(parts, None)
            if index is None:
                break
            path.append(index)
        tag = next(parts, None) if len(key.variants) > 1 else None
        if tag is None and len(key.variants) > 1:
            break
        siblings = key.variants
        section = next(v for v in siblings if tag is None or tag in v.kinds)
    return _Place(tuple(path), key, section, siblings)


def _unknown(place: _Place) -> str:
    name = str(place.path[-1])
    if "." in name:
        outer, _, inner = name.rpartition(".")
        inner, outer = shortened(inner), shortened(outer)
        return f"unknown key; write `{inner}` indented under `{outer}`, dots are for `--set` only"
    others = [kind for other in place.siblings if name in other.keys for kind in other.kinds]
    if others:
        return (
            f"unknown key for kind {_either(place.section.kinds)}; it belongs to {_either(others)}"
        )
    close = nearest(name, place.section.keys)
    if close:
        return f"unknown key; did you mean `{close}`?"
    everywhere = list(_keys_outside_lists(root_section(), ()))
    close = nearest(name, [str(path[-1]) for path in everywhere])
    if close:
        keys = dict.fromkeys(dotted(path) for path in everywhere if path[-1] == close)
        return f"unknown key; did you mean {' or '.join(f'`{key}`' for key in keys)}?"
    return f"unknown key; known keys: {', '.join(place.section.keys)}"


def _either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _keys_outside_lists(section: Section, path: KeyPath) -> Iterator[KeyPath]:
    for name, key in section.keys.items():
        yield (*path, name)
        for variant in () if key.is_list else key.variants:
            yield from _keys_outside_lists(variant, (*path, name))


def _wrong_kind(place: _Place, section: Mapping[str, Any]) -> str:
    key = place.key
    kinds = [kind for variant in key.variants for kind in variant.kinds] if key else []
    found = section.get(KIND)
    close = nearest(found, kinds) if isinstance(found, str) else None
    hint = f"; did you mean `{close}`?" if close else ""
    return f"found {_shown(found)}, must be {_either(kinds)}{hint}"


def _wrong_value(place: _Place, found: Any) -> str:
    key = place.key
    if key is None:
        return f"found {_shown(found)}, must be a section"
    expected = key.expected
    if key.is_list and isinstance(place.path[-1], int):
        expected = "a section" if key.variants else expected
        if not key.variants:
            expected = expected.rpartition("each ")[2]
    if isinstance(found, float) and not math.isfinite(found):
        expected = expected.replace("a number", "a finite number")
    message = f"found {_shown(found)}, must be {expected}"
    close = nearest(found, key.choices) if isinstance(found, str) else None
    if close:
        return f"{message}; did you mean `{close}`?"
    if key.is_whole_number and isinstance(found, float) and found.is_integer():
        return f"{message}; write `{int(found)}`"
    return message


def _shown(value: Any) -> str:
    """A value as a person would write it: text in quotes, so that '8' and 8 differ."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        is_short = len(value) <= 4 and not any(isinstance(item, list | dict) for item in value)
        text = json.dumps(value, ensure_ascii=False) if is_short else ""
        return text if 0 < len(text) <= _LONGEST_LIST else "a list"
    if isinstance(value, str):
        return f"'{shortened(value)}'"
    return str(value).lower() if isinstance(value, bool | float) else str(value)
