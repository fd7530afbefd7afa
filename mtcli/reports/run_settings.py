"""The config of a run, with where each value came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mtcli.config.dumped import read_dumped
from mtcli.config.problems import KeyPath, dotted
from mtcli.runs.folder import RunFolder
from mtcli.runs.invocations import read_invocations

_UNKNOWN = "not recorded"
"""The origin of values in runs without a record; the template knows it, too."""


@dataclass(frozen=True)
class Setting:
    """A value of a config."""

    key: str
    value: str
    origin: str
    """Such as `my.yaml line 3`, `--set`, `preset small`, `default`, or why it was chosen."""
    is_default: bool

    @property
    def short_key(self) -> str:
        """The key within its section."""
        section = _section_of(self.key)
        return self.key.removeprefix(f"{section}.")


def read_settings(run: RunFolder) -> dict[str, list[Setting]]:
    """The settings of a run by their section, in the order of the config.

    The newest command that trained the run says where values came from. A run of an mtcli that kept
    no commands says so of each value.

    Raises:
        ConfigError: the config is not YAML.
        OSError: it cannot be read.
    """
    values = read_dumped(run.config.read_text(encoding="utf-8"))
    invocations = read_invocations(run)
    origins = invocations[-1].origins if invocations else None
    reasons = _reasons_of(run)
    sections: dict[str, list[Setting]] = {}
    for key, value in values.items():
        setting = _setting(key, value, origins, reasons)
        sections.setdefault(_section_of(setting.key), []).append(setting)
    return sections


def _reasons_of(run: RunFolder) -> Mapping[KeyPath, str]:
    if "# auto: " not in run.config.read_text(encoding="utf-8"):
        return {}
    from mtcli.config.settle import read_reasons  # it imports the whole schema

    return read_reasons(run.config)


def _setting(
    key: KeyPath, value: Any, origins: Mapping[str, str] | None, reasons: Mapping[KeyPath, str]
) -> Setting:
    name = dotted(key)
    if key in reasons:
        origin = f"auto: {reasons[key]}"
    elif origins is None:
        origin = _UNKNOWN
    else:
        origin = origins.get(name, "default")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Setting(name, text, origin, is_default=origin == "default")


def _section_of(key: str) -> str:
    first, dot, _ = key.replace("[", ".").partition(".")
    return first if dot else "run"
