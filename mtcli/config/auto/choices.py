"""Values that rules choose one after the other, each with its reason; what the user gave stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from mtcli.config.preset import AUTO
from mtcli.config.problems import KeyPath
from mtcli.config.schema.sections import KIND

_T = TypeVar("_T")


class Choices:
    """Values by section and key, in the order in which they were chosen.

    Args:
        given: the values of the user, as in the file.
        kinds: the `kind` that the rules choose for sections that have one. A section of another
            kind takes nothing, as with any preset.
    """

    def __init__(self, given: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        self._given, self._kinds = given, kinds
        self.values: dict[str, dict[str, Any]] = {}
        self.reasons: dict[KeyPath, str] = {}

    def choose(self, key: str, value: _T, reason: str) -> _T:
        """Choose a value for `section.key`. Returns the one that counts: the user's, if any.

        A later rule goes by what this returns, so that a key that the user sets moves with it what
        depends on it.
        """
        section, _, name = key.partition(".")
        keys = self._section(section)
        is_open = keys.get(name, AUTO) == AUTO
        if is_open and keys.get(KIND, self._kinds.get(section)) == self._kinds.get(section):
            self.values.setdefault(section, {})[name] = value
            self.reasons[section, name] = reason
        return self.given(key, value)

    def given(self, key: str, otherwise: _T) -> _T:
        """What the user set for `section.key`; `otherwise` if that is nothing of its type."""
        section, _, name = key.partition(".")
        given = self._section(section).get(name)
        return cast("_T", given) if _is_alike(given, otherwise) else otherwise

    def number(self, key: str) -> int | None:
        """The positive whole number that the user set for `section.key`; None if there is none."""
        section, _, name = key.partition(".")
        value = self._section(section).get(name)
        return value if type(value) is int and value > 0 else None

    def is_given(self, key: str) -> bool:
        """Whether the user set `section.key` to more than null."""
        section, _, name = key.partition(".")
        return self._section(section).get(name, AUTO) not in (AUTO, None)

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self._given.get(name)
        return section if isinstance(section, Mapping) else {}


def _is_alike(given: Any, value: Any) -> bool:
    """Whether a rule can go by what the user set; else it is a mistake that the loader reports."""
    return type(given) is type(value) and (type(given) is not int or given > 0)
