"""A config with keys that are chosen when a run starts: `preset: auto`, `vocab_size: auto`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtcli.config.preset import AUTO
from mtcli.config.problems import KeyPath, Origin
from mtcli.config.schema.root import TrainConfig


@dataclass(frozen=True)
class Given:
    """What a user wrote: enough to read the config again, with the open keys chosen."""

    name: str
    """Of the config, for messages."""
    values: dict[str, Any]
    """Of file and overrides, over the preset, if that is a file."""
    origins: dict[KeyPath, Origin]
    has_lines: bool
    """Whether it was text, whose lines messages name."""
    overrides: tuple[str, ...]
    working_dir: Path
    """That relative paths start from."""

    @property
    def is_all_open(self) -> bool:
        """Whether the whole recipe is to be chosen; else the vocabulary alone."""
        return self.values.get("preset") == AUTO


@dataclass(frozen=True, kw_only=True)
class UnsettledConfig(TrainConfig):
    """A config whose open keys hold stand-ins, until `mtcli.config.settle` chooses them.

    All that the user set is final: languages, data, `run_dir`.
    """

    given: Given = field(repr=False, compare=False)


def without_open_keys(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a file without those that are yet to be chosen."""
    kept = {name: value for name, value in values.items() if (name, value) != ("preset", AUTO)}
    tokenizer = kept.get("tokenizer")
    if isinstance(tokenizer, dict) and tokenizer.get("vocab_size") == AUTO:
        kept["tokenizer"] = {k: v for k, v in tokenizer.items() if k != "vocab_size"}
    return kept


def is_unsettled(values: Mapping[str, Any]) -> bool:
    """Whether values of a file leave keys open."""
    tokenizer = values.get("tokenizer")
    has_open_size = isinstance(tokenizer, dict) and tokenizer.get("vocab_size") == AUTO
    return values.get("preset") == AUTO or has_open_size
