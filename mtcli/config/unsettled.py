"""A config with keys that are chosen when a run starts: `preset: auto` and keys that are `auto`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtcli.config.preset import AUTO
from mtcli.config.problems import KeyPath, Origin
from mtcli.config.schema.root import TrainConfig
from mtcli.config.schema.sections import section

VOCABULARY = ("tokenizer", "vocab_size")
MICRO_BATCH = ("batch", "max_tokens")
"""Keys of their own that may be `auto`."""


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
        """Whether the whole recipe is to be chosen; else single keys."""
        return self.values.get("preset") == AUTO

    @property
    def is_vocabulary_open(self) -> bool:
        """Whether the vocabulary is to be chosen, if not the whole recipe."""
        return is_open(self.values, VOCABULARY)

    @property
    def is_batch_open(self) -> bool:
        """Whether the size of a micro-batch is to be measured."""
        return is_open(self.values, MICRO_BATCH)


@section
class UnsettledConfig(TrainConfig):
    """A config whose open keys hold stand-ins, until `mtcli.config.settle` chooses them.

    All that the user set is final: languages, data, `run_dir`.
    """

    given: Given = field(repr=False, compare=False)


def without_open_keys(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a file without those that are yet to be chosen."""
    kept = {name: value for name, value in values.items() if (name, value) != ("preset", AUTO)}
    for section_name, name in (VOCABULARY, MICRO_BATCH):
        if is_open(values, (section_name, name)):
            kept[section_name] = {k: v for k, v in kept[section_name].items() if k != name}
    return kept


def is_unsettled(values: Mapping[str, Any]) -> bool:
    """Whether values of a file leave keys open."""
    is_any_open = is_open(values, VOCABULARY) or is_open(values, MICRO_BATCH)
    return values.get("preset") == AUTO or is_any_open


def is_open(values: Mapping[str, Any], place: tuple[str, str]) -> bool:
    """Whether a key of a section is `auto`."""
    found = values.get(place[0])
    return isinstance(found, dict) and found.get(place[1]) == AUTO
