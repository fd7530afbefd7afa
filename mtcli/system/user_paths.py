"""Paths as people type them: `~` and `$NAME` stand for folders, as in a shell."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mtcli.errors import ConfigError

_VARIABLE = re.compile(r"\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})", re.ASCII)
_WRITE_IT = "or write the folder itself"


def expanded(path: Path, start: Path) -> Path:
    """Replace `~` and `~USER` at the start, and `$NAME` and `${NAME}` anywhere.

    A shell does so only outside quotes, and a config has no shell: a folder of the name `$HOME` or
    `~nobody` is never meant. A path that exists is left alone, except for `~`.

    Args:
        path: what was typed.
        start: the folder that a relative path starts from.

    Raises:
        ConfigError: there is no such user or variable, or nobody knows the home folder.
    """
    first = path.parts[0] if path.parts else ""
    if first == "~" or (first.startswith("~") and not os.path.lexists(start / path)):
        return _with_home(path, first)
    if "$" not in str(path) or os.path.lexists(start / path):
        return path
    return Path(_VARIABLE.sub(lambda found: _value_of(found, path), str(path)))


def expanded_argument(path: Path) -> Path:
    """The same for a path of the command line, where a shell has done all but `--output=~/x`.

    Only what names a folder at the start is replaced: elsewhere `$` and `~` were quoted and meant.

    Raises:
        ConfigError: as `expanded`.
    """
    first = path.parts[0] if path.parts else ""
    here = Path()
    if first == "~" or (first.startswith("~") and (len(path.parts) > 1 or _home_of(first))):
        return expanded(path, here)
    if _VARIABLE.fullmatch(first):
        return expanded(path, here)
    return path


def home_folder() -> Path | None:
    """The home folder of this user; None if nobody knows it."""
    return _home_of("~")


def cache_folder() -> Path | None:
    """The folder in which mtcli keeps for this user what can be made again; None without a home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):  # noqa: PTH117 - the specification: others are to be ignored
        return Path(named) / "mtcli"
    home = home_folder()
    return home / ".cache" / "mtcli" if home is not None and home.is_dir() else None


def _with_home(path: Path, first: str) -> Path:
    home = _home_of(first)
    if home is None and first == "~":
        raise ConfigError(
            f"`{path}` starts with `~`, but this user has no home folder",
            hint=f"set `HOME`, {_WRITE_IT}",
        )
    if home is None:
        raise ConfigError(
            f"`{path}` starts with the home folder of `{first[1:]}`, and there is no such user",
            hint=f"write `~/` for your own home folder, {_WRITE_IT}",
        )
    return home.joinpath(*path.parts[1:])


def _home_of(name: str) -> Path | None:
    """The folder that `~` or `~USER` stands for."""
    home = os.path.expanduser(name)  # noqa: PTH111 - Path.expanduser raises in ways of its own
    return None if home == name or not home else Path(home)


def _value_of(found: re.Match[str], path: Path) -> str:
    name = found["name"] or found["braced"]
    value = os.environ.get(name)
    if not value:
        what = "is empty" if name in os.environ else "is not set"
        raise ConfigError(
            f"`{path}` names the environment variable `{name}`, which {what}",
            hint=f"set `{name}`, {_WRITE_IT}",
        )
    return value
