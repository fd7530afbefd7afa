"""Keys that an environment variable sets where the config does not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mtcli.config.problems import KeyPath, Origin

CACHE_DIR, DEVICE = "MTCLI_CACHE_DIR", "MTCLI_DEVICE"

_KEYS: Mapping[str, tuple[str, str]] = {
    CACHE_DIR: ("data", "cache_dir"),
    DEVICE: ("training", "device"),
}


def apply_variables(
    values: dict[str, Any],
    origins: dict[KeyPath, Origin],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Put the values of variables where neither the file nor an override has the key.

    Args:
        values: of the config, changed in place.
        origins: the name of a variable is added for each value that it sets.
        environment: the variables; an empty one counts as not set.
    """
    for variable, (section, key) in _KEYS.items():
        text = environment.get(variable)
        if not text:
            continue
        if values.get(section) is None:
            values[section] = {}
        keys = values[section]
        if isinstance(keys, dict) and key not in keys:
            keys[key] = text
            origins[section, key] = variable


def is_variable(origin: Origin) -> bool:
    """Whether an origin is a variable, and neither a line nor an override."""
    return origin in _KEYS
