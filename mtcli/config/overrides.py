"""Overrides of single keys from the command line: `--set optim.lr=3e-4`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from mtcli.config.document import parse_yaml
from mtcli.config.keys import key_at
from mtcli.config.problems import KeyPath, Origin, Problem, dotted
from mtcli.errors import ConfigError

_KEY = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*", re.ASCII)
_PART = re.compile(r"[\w-]+", re.ASCII)
_NULLS = ("null", "Null", "NULL")
"""YAML's, without `~`, which is the home folder in a path."""


def apply_overrides(
    values: dict[str, Any], origins: dict[KeyPath, Origin], overrides: Sequence[str]
) -> list[Problem]:
    """Set keys of `values` and their `origins` in place; a later override wins over an earlier one.

    Args:
        values: Plain values of a config.
        origins: What set each key; an override replaces the origins of what it overrides.
        overrides: `KEY=VALUE` each. KEY is dotted, an entry of a list is `data.train[0].src` or
            `data.train.0.src`, and one past the last entry appends. VALUE is YAML, but where the
            key holds text or a path it is that text. Missing sections are created.

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
    """Split `KEY=VALUE` into the key's path and the value.

    The value is YAML. Where the key holds text or a path, it is that text: ` #`, leading zeros and
    `1e5` mean nothing there. Quotes around all of it are YAML's, and `null` unsets a key that can
    be unset.

    Raises:
        ConfigError: it does not have that form, or VALUE is not YAML; the message is a clause.
    """
    typed_key, equals, text = override.partition("=")
    path = _parse_key(typed_key)
    if not equals or path is None:
        raise ConfigError("not `KEY=VALUE`; write for example `--set optim.lr=3e-4`")
    if typed_key != typed_key.rstrip():  # `KEY = VALUE`
        text = text.lstrip()
    key = key_at(path)
    if key is not None and key.is_text and isinstance(path[-1], int) == key.is_list:
        return path, _read_text(text, is_nullable=key.is_nullable and not key.is_list)
    if key is not None and key.is_text:
        return path, _read_texts(text, path)
    return path, _read_yaml(text, path)


def parse_values(key: str, values: str) -> list[Any]:
    """The values of `V1,V2,...`: commas separate outside of brackets and quotes.

    Raises:
        ConfigError: KEY is not a key, or the values are not YAML; the message is a clause.
    """
    path = _parse_key(key)
    if path is None:
        raise ConfigError("not a key")
    # each of them is read as an entry of a list that stands where the one value would
    known = key_at(path)
    is_text = known is not None and known.is_text and not known.is_list
    items = _read_texts(f"[{values}]", path) if is_text else _read_yaml(f"[{values}]", path)
    return list(items)


def _parse_key(text: str) -> KeyPath | None:
    """The path that a dotted key names; None if it is not one."""
    if not _KEY.fullmatch(text.strip()):
        return None
    return tuple(int(part) if part.isdecimal() else part for part in _PART.findall(text))


def _read_text(text: str, *, is_nullable: bool) -> str | None:
    """The value of a key that holds text."""
    if not text or (is_nullable and text in _NULLS):
        return None
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        with suppress(ConfigError):
            return str(parse_yaml(text).value)
    return text


def _read_texts(text: str, path: KeyPath) -> Any:
    """The value of a key that holds a list of texts."""
    try:
        return _read_yaml(text, path, is_text=lambda inner: len(inner) == 1)
    except ConfigError:
        inside = text.strip()
        if not (inside.startswith("[") and inside.endswith("]")) or any(c in text for c in "\"'"):
            raise
    # not YAML, such as `[>>deu<<, >>fra<<]`
    return [item.strip() for item in inside[1:-1].split(",")]


def _read_yaml(text: str, path: KeyPath, is_text: Callable[[KeyPath], bool] | None = None) -> Any:
    """The value of any other key; texts inside it are those texts."""

    def is_text_inside(inner: KeyPath) -> bool:
        key = key_at((*path, *inner))
        return key is not None and key.is_text

    try:
        document = parse_yaml(text, is_text or is_text_inside)
    except ConfigError as error:
        clause = str(error).partition(": ")[2]
        raise ConfigError(f"{text!r} is not a YAML value: {clause}") from None
    if document.problems:
        problem = document.problems[0]
        raise ConfigError(f"{problem.key} {problem.message}".strip())
    return document.value


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
