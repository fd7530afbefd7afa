"""A resolved config with the origin of each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtcli.config.document import parse_yaml
from mtcli.config.dump import dump_config
from mtcli.config.load import load_config, read_values
from mtcli.config.preset import PRESETS
from mtcli.config.problems import KeyPath, Origin
from mtcli.config.schema.sections import KIND


def explained_config(path: Path, overrides: Sequence[str] = ()) -> str:
    """What `load_config` reads, as YAML, with the origin of each value in a comment.

    The comments are `default`, `preset NAME`, `FILE line N` or `--set`. A source of the hub that is
    read from local files has the line of the source.

    Raises:
        ConfigError: as `load_config`.
    """
    text = dump_config(load_config(path, overrides))
    values, origins, _ = read_values(path, overrides)
    places = _value_places(parse_yaml(text))
    lines = text.split("\n")
    for number, place in places.items():
        comment = _origin(place, values, origins, path.name)
        lines[number - 1] += f"  # {comment}"
    return "\n".join(lines)


def _value_places(document: Any) -> dict[int, KeyPath]:
    """The key of the value on each line; a list of plain values is one value."""
    places: dict[int, KeyPath] = {}
    for place, line in document.lines.items():
        value = _value_at(document.value, place)
        if isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(item, dict) for item in value)
        ):
            continue
        if place and isinstance(place[-1], str):
            places[line] = place
    return places


def _value_at(value: Any, place: KeyPath) -> Any:
    """The value at `place`; None if there is no value."""
    for part in place:
        is_there = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if not is_there:
            return None
        value = value[part]
    return value


def _is_there(value: Any, place: KeyPath) -> bool:
    return place[-1] in (_value_at(value, place[:-1]) or ())


def _origin(
    place: KeyPath, values: dict[str, Any], origins: Mapping[KeyPath, Origin], file: str
) -> str:
    entry = place[:-1]
    is_hub = entry in origins and (_value_at(values, entry) or {}).get(KIND) == "hub"
    if place not in origins and is_hub and place[-1] in (KIND, "src", "tgt"):
        place = entry  # its local files
    origin = origins.get(place)
    if origin is None and _is_there(values, place):
        # only an override sets what is below it without an entry of its own; else the preset does
        above = [origins[place[:n]] for n in range(len(place), 0, -1) if place[:n] in origins]
        overridden = [o for o in above[:1] if isinstance(o, str)]
        if overridden and _sets_whole(overridden[0], place):
            origin = overridden[0]
    if isinstance(origin, int):
        return f"{file} line {origin}"
    if origin is not None:
        return "--set"
    if values.get("preset") in PRESETS and place != ("preset",) and _is_there(values, place):
        return f"preset {values['preset']}"
    return "default"


def _sets_whole(override: str, place: KeyPath) -> bool:
    """Whether the override gives a section in which `place` has a value."""
    from mtcli.config.overrides import parse_override

    path, value = parse_override(override)
    inside = place[len(path) :]
    return place[: len(path)] == path and bool(inside) and _is_there(value, inside)
