"""Overrides of single keys from the command line: `--set optim.lr=3e-4`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mtcli.config.document import parse_yaml
from mtcli.config.problems import KeyPath, Origin, Problem, dotted
from mtcli.errors import ConfigError

_KEY = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*", re.ASCII)
_PART = re.compile(r"[\w-]+", re.ASCII)


def apply_overrides(
    values: dict[str, Any], origins: dict[KeyPath, Origin], overrides: Sequence[str]
) -> list[Problem]:
    """Set keys of `values` and their `origins` in place; a later override wins over an earlier one.

    Args:
        values: Plain values of a config.
        origins: What set each key; an override replaces the origins of what it overrides.
        overrides: `KEY=VALUE` each. KEY is dotted, an entry of a list is `data.train[0].src` or
            `data.train.0.src`, and one past the last entry appends. VALUE is YAML. Missing
            sections are created.

    Returns:
        The problems of overrides that could not be applied.
    """
    problems: list[Problem] = []
    for override in overrides:
        try:
            path, value = parse_override(override)
            values.update(_assigned(values, path, 0, value))
        except ConfigError as error:
            problems.append(Problem(override, "", str(error)))
            continue
        for known in [known for known in origins if known[: len(path)] == path]:
            del origins[known]
        origins[path] = override
        for length in range(1, len(path)):  # sections that the override made
            origins.setdefault(path[:length], override)
    return problems


def sets_key(overrides: Sequence[str], key: str) -> bool:
    """Whether one of the overrides sets this top-level key; all of them must be valid."""
    return any(parse_override(override)[0] == (key,) for override in overrides)


def parse_override(override: str) -> tuple[KeyPath, Any]:
    """Split `KEY=VALUE` into the key's path and the YAML value.

    Raises:
        ConfigError: it does not have that form, or VALUE is not YAML; the message is a clause.
    """
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not _KEY.fullmatch(key):
        raise ConfigError("not `KEY=VALUE`; write for example `--set optim.lr=3e-4`")
    path = tuple(int(part) if part.isdecimal() else part for part in _PART.findall(key))
    try:
        document = parse_yaml(text)
    except ConfigError as error:
        clause = str(error).partition(": ")[2]
        raise ConfigError(f"{text!r} is not a YAML value: {clause}") from None
    if document.problems:
        problem = document.problems[0]
        raise ConfigError(f"{problem.key} {problem.message}".strip())
    return path, document.value


def _assigned(container: Any, path: KeyPath, depth: int, value: Any) -> Any:
    """`container`, which stands at `path[:depth]`, with the value at `path` put in."""
    if depth == len(path):
        return value
    part, here = path[depth], dotted(path[:depth])
    if isinstance(part, int):
        items = [] if container is None else container
        if not isinstance(items, list):
            raise ConfigError(f"{here} is not a list")
        if part > len(items):
            raise ConfigError(f"the next entry of {here} is [{len(items)}], not [{part}]")
        before = items[part] if part < len(items) else None
        return [*items[:part], _assigned(before, path, depth + 1, value), *items[part + 1 :]]
    section = {} if container is None else container
    if isinstance(section, list):
        raise ConfigError(f"{here} is a list; name an entry, for example `{here}[0].{part}`")
    if not isinstance(section, dict):
        raise ConfigError(f"{here} is a value, not a section")
    return {**section, part: _assigned(section.get(part), path, depth + 1, value)}
