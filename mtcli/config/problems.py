"""The problems of a config: one line each, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from mtcli.errors import ConfigError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value is: names of sections and keys, and places in lists counted from 0."""

Origin: TypeAlias = int | str
"""What set a value: a line of the file, counted from 1, an override as it was typed, or the name of
an environment variable."""

Origins: TypeAlias = Mapping[KeyPath, Origin]


@dataclass(frozen=True)
class Problem:
    """One mistake in a config."""

    origin: Origin
    key: str
    """Dotted; empty if the problem is not about a key."""
    message: str
    count: int = 1
    """Problems that it stands for."""


MOST_PROBLEMS = 100
"""Problems that are described; of more, the rest is counted."""

_LONGEST_NAME = 60
"""In characters. Suggestions for longer names would take long, and would not be right."""


def shortened(text: str, length: int = _LONGEST_NAME) -> str:
    """The text, or its beginning with dots."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def dotted(path: KeyPath) -> str:
    """`("data", "train", 1, "src")` as `data.train[1].src`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def origin_of(path: KeyPath, origins: Origins) -> Origin:
    """What set `path`, or the nearest section around it that has an origin."""
    for length in range(len(path), -1, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return 1


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is probably a misspelling of."""
    close = get_close_matches(name, list(known), n=1) if len(name) <= _LONGEST_NAME else []
    return close[0] if close else None


def config_error(
    source: str,
    problems: Iterable[Problem],
    overrides: Sequence[str] = (),
    *,
    has_lines: bool = True,
) -> ConfigError:
    """One error that lists all problems: those of the file by line, then those of overrides.

    Args:
        source: the name of the config.
        problems: at least one.
        overrides: in their order.
        has_lines: False if the config is not text: its places have no line numbers then.
    """

    def order(problem: Problem) -> tuple[bool, int]:
        origin = problem.origin
        if isinstance(origin, int):
            return False, origin
        return True, overrides.index(origin) if origin in overrides else len(overrides)

    ordered = sorted(dict.fromkeys(problems), key=order)
    num_problems = sum(problem.count for problem in ordered)
    ordered = ordered[: MOST_PROBLEMS + 1]
    keys = [shortened(problem.key, 2 * _LONGEST_NAME) for problem in ordered]
    line = "line {:>3}" if has_lines else ""
    places = [
        line.format(p.origin)
        if isinstance(p.origin, int)
        else f"--set {p.origin}"
        if p.origin in overrides
        else p.origin
        for p in ordered
    ]
    place_width = max(map(len, places))
    key_width = max(20, *map(len, keys))
    lines = [
        f"  {place:<{place_width}}  {key:<{key_width}}  {problem.message}"
        for place, key, problem in zip(places, keys, ordered, strict=True)
    ]
    if (num_more := num_problems - sum(problem.count for problem in ordered)) > 0:
        lines.append(f"  and {num_more} more")
    count = "1 problem" if num_problems == 1 else f"{num_problems} problems"
    return ConfigError("\n".join([f"{count} in {source}", *lines]))
