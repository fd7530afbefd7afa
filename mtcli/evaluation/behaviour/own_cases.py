"""The user's own cases of a behaviour test: a YAML file of sources, and what answers must hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from mtcli.config.document import parse_yaml
from mtcli.config.problems import Problem, config_error, dotted, nearest
from mtcli.errors import ConfigError, in_backticks
from mtcli.evaluation.behaviour.case import PASSED, Case, Trial, Verdict, failed
from mtcli.evaluation.behaviour.suite import OWN_CASES

_CONDITIONS = ("must_contain", "must_not_contain", "matches")
_KEYS = ("source", *_CONDITIONS, "name")
_LONGEST_MATCH_S = 5.0
"""Seconds that a pattern may search an answer."""


@dataclass(frozen=True)
class _Conditions:
    """What an answer must and must not hold; it is called as a judge."""

    must_contain: tuple[str, ...]
    must_not_contain: tuple[str, ...]
    matches: tuple[str, ...]
    """Patterns of the library `regex`; each must be found somewhere."""

    def __call__(self, trial: Trial) -> Verdict:
        for text in self.must_contain:
            if text not in trial.answer:
                return failed(f"`{text}` is missing")
        for text in self.must_not_contain:
            if text in trial.answer:
                return failed(f"`{text}` must not be there")
        for pattern in self.matches:
            try:
                found = regex.search(pattern, trial.answer, timeout=_LONGEST_MATCH_S)
            except TimeoutError:
                return failed(f"`{pattern}` was searched for {_LONGEST_MATCH_S:g} s without result")
            if found is None:
                return failed(f"`{pattern}` does not match")
        return PASSED


def read_own_cases(path: Path) -> list[Case]:
    """Read the cases of a YAML file.

    It is a list of sections, each with `source`, with one or more of `must_contain`,
    `must_not_contain` and `matches` (a text or a list of texts), and perhaps with `name`.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or holds something else; every problem is
            listed with its line.
    """
    from mtcli.data.lines import unreadable

    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(unreadable(path, error)) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text in UTF-8") from None
    try:
        document = parse_yaml(text, lambda _: True)
    except ConfigError as error:
        raise ConfigError(f"{path}, {error.sentence}") from None
    if not isinstance(document.value, list) or not document.value:
        raise ConfigError(
            f"{path} has no list of cases",
            hint="begin each case with `- source: TEXT`",
        )
    problems = list(document.problems)
    cases = []
    for number, values in enumerate(document.value):
        found = _problems_of(values, number)
        problems += [
            Problem(document.lines.get((number, *key), document.lines[number,]),
                    dotted((number, *key)), message)
            for key, message in found
        ]  # fmt: skip
        if not found:
            conditions = _Conditions(*(tuple(_texts(values.get(key))) for key in _CONDITIONS))
            name = values.get("name") or f"line {document.lines[number,]}"
            cases.append(Case(OWN_CASES, values["source"], conditions, name=name))
    if problems:
        raise config_error(str(path), problems)
    return cases


def _problems_of(values: Any, number: int) -> list[tuple[tuple[str, ...], str]]:
    """What is wrong with a case: key and message of each problem."""
    if not isinstance(values, dict):
        return [((), "must be a section with `source`")]
    problems: list[tuple[tuple[str, ...], str]] = []
    for key, value in values.items():
        if key not in _KEYS:
            close = nearest(key, _KEYS)
            hint = f"did you mean `{close}`?" if close else f"known keys: {', '.join(_KEYS)}"
            problems.append(((key,), f"unknown key; {hint}"))
        elif key in _CONDITIONS:
            problems += [((key,), message) for message in _condition_problems(key, value)]
        elif not isinstance(value, str) or not value.strip():
            problems.append(((key,), "must be a text that is not empty"))
    if "source" not in values:
        problems.append(((), "`source` is missing"))
    if not any(key in values for key in _CONDITIONS):
        problems.append(((), f"needs one of {in_backticks(_CONDITIONS)}"))
    return problems


def _condition_problems(key: str, value: Any) -> list[str]:
    texts = _texts(value)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        return ["must be a text or a list of texts, none of them empty"]
    problems = []
    for text in texts if key == "matches" else ():
        try:
            regex.compile(text)
        except regex.error as error:
            problems.append(f"`{text}` is not a regular expression: {error}")
    return problems


def _texts(value: Any) -> Sequence[Any]:
    """A list, or a single text as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
