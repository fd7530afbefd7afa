"""`preset: NAME`: values of a recipe, which the user's file overrides."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, get_args

from mtcli.config.document import parse_yaml
from mtcli.config.schema.root import PresetName
from mtcli.config.schema.sections import KIND

AUTO = "auto"
"""The preset whose values `mtcli.config.auto` chooses, without a file."""

PRESETS: tuple[str, ...] = tuple(name for name in get_args(PresetName) if name != AUTO)
"""Presets that are files."""


@cache
def preset_text(name: str) -> str:
    """The preset as written, comments included."""
    file = files("mtcli.config.presets").joinpath(f"{name}.yaml")
    return file.read_bytes().decode("utf-8")


def preset_values(name: str) -> dict[str, Any]:
    """A preset's sections."""
    values: dict[str, Any] = parse_yaml(preset_text(name)).value
    return values


def merged(preset: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """The values of the user, completed with those of the preset.

    A section of another `kind` than in the preset takes nothing from it. A section without keys is
    that of the preset.
    """
    result = dict(user)
    for name, value in preset.items():
        own = user.get(name)
        if name not in user or (own is None and isinstance(value, dict)):
            result[name] = value
        elif isinstance(value, dict) and isinstance(own, dict) and _is_same_kind(value, own):
            result[name] = merged(value, own)
    return result


def _is_same_kind(preset: dict[str, Any], user: dict[str, Any]) -> bool:
    return KIND not in preset or user.get(KIND, preset[KIND]) == preset[KIND]
