"""Settings of another toolkit's model, whose keys are marked as used when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtcli.interchange.foreign import ForeignModelError, in_one_line

LARGEST_NUMBER = 2**31 - 1


class ForeignSettings:
    """What both kinds of settings are asked for.

    Args:
        path: the file that they are in, for messages.
        values: by key.
    """

    def __init__(self, path: Path, values: Mapping[str, Any]) -> None:
        self.path = path
        self._values = values
        self._used: set[str] = set()

    def get(self, key: str) -> Any:
        """Any value, None if the key is missing."""
        self._used.add(key)
        return self._values.get(key)

    def whole(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """A whole number.

        Raises:
            ForeignModelError: it is missing without a default, of another type, or too small.
        """
        value = self.get(key)
        value = default if value is None else value
        if type(value) is not int or not least <= value <= LARGEST_NUMBER:
            raise self.wrong(key, f"must be a whole number, at least {least}")
        return value

    def wrong(self, key: str, problem: str) -> ForeignModelError:
        """The error for a value."""
        found = f"`{self.shown(self._values[key])}`" if key in self._values else "nothing"
        return ForeignModelError(f"{self.path}: `{key}` {problem}, found {found}")

    @staticmethod
    def shown(value: Any) -> str:
        """A key or value for a message: one short line."""
        return in_one_line(str(value), 60)
