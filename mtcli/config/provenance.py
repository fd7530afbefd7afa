"""A resolved config with the origin of each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from mtcli.config.document import parse_yaml
from mtcli.config.dump import dump_config
from mtcli.config.dumped import read_dumped
from mtcli.config.load import load_config, read_values
from mtcli.config.places import value_at, value_places
from mtcli.config.preset import PRESETS
from mtcli.config.problems import KeyPath, Origin, dotted
from mtcli.config.schema.compat import Compat, compat_values
from mtcli.config.schema.root import TrainConfig
from mtcli.config.schema.sections import KIND
from mtcli.config.settle import Settled
from mtcli.config.variables import is_variable

_DEFAULT = "default"


def explained_config(
    path: Path,
    overrides: Sequence[str] = (),
    settle: Callable[[TrainConfig], Settled] = Settled,
) -> str:
    """What `load_config` reads, as YAML, with the origin of each value in a comment.

    The comments are `default`, `preset NAME`, `compat NAME`, `FILE line N`, `--set`, the name of an
    environment variable, or `auto:` and the reason for a value that was chosen. A source of the hub
    that is read from local files has the line of the source.

    Args:
        path: the config.
        overrides: `KEY=VALUE` each.
        settle: chooses the keys that the config leaves open.

    Raises:
        ConfigError: as `load_config`.
    """
    settled = settle(load_config(path, overrides))
    text = dump_config(settled.config)
    values, origins, _ = read_values(path, overrides)
    places = value_places(parse_yaml(text))
    lines = text.split("\n")
    for number, place in places.items():
        reason = settled.reasons.get(place)
        comment = (
            _origin(place, values, origins, path.name) if reason is None else f"auto: {reason}"
        )
        lines[number - 1] += f"  # {comment}"
    return "\n".join(lines)


def value_origins(config: TrainConfig, path: Path, overrides: Sequence[str] = ()) -> dict[str, str]:
    """Where the values of a config came from, by dotted key; those of defaults are not named.

    Args:
        config: what `load_config` read from `path` and `overrides`.
        path: the file.
        overrides: `KEY=VALUE` each.
    """
    values, origins, _ = read_values(path, overrides)
    # without what an open config knows besides its keys
    keys = TrainConfig(**{key.name: getattr(config, key.name) for key in fields(TrainConfig)})
    found = {
        dotted(place): _origin(place, values, origins, path.name)
        for place in read_dumped(dump_config(keys))
    }
    return {key: origin for key, origin in found.items() if origin != _DEFAULT}


def _is_there(value: Any, place: KeyPath) -> bool:
    return place[-1] in (value_at(value, place[:-1]) or ())


def _origin(
    place: KeyPath, values: dict[str, Any], origins: Mapping[KeyPath, Origin], file: str
) -> str:
    entry = place[:-1]
    is_hub = entry in origins and (value_at(values, entry) or {}).get(KIND) == "hub"
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
        return origin if is_variable(origin) else "--set"
    if values.get("compat") in get_args(Compat) and _is_there(compat_values(values), place):
        return f"compat {values['compat']}"
    if values.get("preset") in PRESETS and place != ("preset",) and _is_there(values, place):
        return f"preset {values['preset']}"
    return _DEFAULT


def _sets_whole(override: str, place: KeyPath) -> bool:
    """Whether the override gives a section in which `place` has a value."""
    from mtcli.config.overrides import parse_override

    path, value = parse_override(override)
    inside = place[len(path) :]
    return place[: len(path)] == path and bool(inside) and _is_there(value, inside)
