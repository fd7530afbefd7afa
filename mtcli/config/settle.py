"""Settle a config: choose the keys that it leaves open, from facts or as a run has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mtcli.config.auto.facts import CorpusFacts, Machine
from mtcli.config.auto.rules import choose_recipe, choose_vocabulary
from mtcli.config.document import parse_yaml
from mtcli.config.dump import dump_config, plain_values
from mtcli.config.load import completed, load_config
from mtcli.config.places import value_at, value_places
from mtcli.config.preset import AUTO, merged
from mtcli.config.problems import KeyPath, dotted
from mtcli.config.schema.root import TrainConfig
from mtcli.config.unsettled import MICRO_BATCH, VOCABULARY, Given, UnsettledConfig, is_open

_NOT_CHOSEN = ("preset", "compat", "src_lang", "tgt_lang", "run_dir", "seed", "data")
"""What no recipe says."""
_CHOSEN_OF_DATA = ("max_length", "drop_duplicates")
"""Of `data`, what a recipe says all the same."""
_COMMENT = re.compile(r"  # auto: (.*)$")


@dataclass(frozen=True)
class Settled:
    """A config without open keys."""

    config: TrainConfig
    reasons: Mapping[KeyPath, str] = field(default_factory=dict)
    """Why the keys that were open have their values."""

    def described(self) -> list[str]:
        """A line for each of those keys: its name, value and reason."""
        values = plain_values(self.config)
        return [
            f"{dotted(place)} {_as_in_yaml(value_at(values, place))}: {reason}"
            for place, reason in self.reasons.items()
        ]

    def as_yaml(self) -> str:
        """The config as YAML, with the reasons in comments, which `settled_like` reads."""
        text = dump_config(self.config)
        if not self.reasons:
            return text
        lines = text.split("\n")
        for number, place in value_places(parse_yaml(text)).items():
            if place in self.reasons:
                lines[number - 1] += f"  # auto: {self.reasons[place]}"
        return "\n".join(lines)


def _as_in_yaml(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def settled_by_rules(
    config: UnsettledConfig,
    facts: CorpusFacts,
    machine: Machine,
    start: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settled:
    """Choose the open keys from the corpus, the machine and the budget.

    Args:
        config: a config with open keys.
        facts: the corpus.
        machine: what trains, and for how long.
        start: values, by section, of the model that the run starts from, if any: they stand.

    Raises:
        ConfigError: what the user set does not go with it.
    """
    given = config.given
    if not (given.is_all_open or given.is_vocabulary_open):
        return Settled(_completed(config, {}))
    if not given.is_all_open:
        recipe = choose_vocabulary(facts, machine, given.values)
        return Settled(_completed(config, recipe.values), recipe.reasons)
    taken = {section: dict(values) for section, values in (start or {}).items()}
    recipe = choose_recipe(facts, machine, merged(taken, given.values))
    reasons = {
        (section, name): "as in the model that the run starts from"
        for section, values in taken.items()
        for name in values
        if _is_open(given, (section, name))
    }
    return Settled(_completed(config, merged(recipe.values, taken)), reasons | recipe.reasons)


def with_micro_batch(settled: Settled, max_tokens: int, reason: str) -> Settled:
    """With the size of a micro-batch that was measured."""
    batch = replace(settled.config.batch, max_tokens=max_tokens)
    config = replace(settled.config, batch=batch)
    return Settled(config, {**settled.reasons, MICRO_BATCH: reason})


def settled_like(config: UnsettledConfig, saved: Path) -> Settled:
    """Take over the open keys from the config that a run has saved, whatever the rules say now.

    Raises:
        ConfigError: what the user set does not go with it.
    """
    values = plain_values(load_config(saved))
    if config.given.is_all_open:
        chosen = {name: value for name, value in values.items() if name not in _NOT_CHOSEN}
        chosen["data"] = {name: values["data"][name] for name in _CHOSEN_OF_DATA}
    else:
        chosen = {}
        for section, name in (VOCABULARY, MICRO_BATCH):
            if is_open(config.given.values, (section, name)):
                chosen[section] = {name: values[section][name]}
    reasons = {
        place: reason
        for place, reason in read_reasons(saved).items()
        if _is_open(config.given, place)
    }
    return Settled(_completed(config, chosen), reasons)


def _completed(config: UnsettledConfig, chosen: dict[str, Any]) -> TrainConfig:
    """The config of the user's values over the chosen ones."""
    complete = completed(config.given, chosen)
    # the caller may have changed what no rule chooses, the run folder say
    data = {name: getattr(complete.data, name) for name in _CHOSEN_OF_DATA}
    return replace(
        complete,
        src_lang=config.src_lang,
        tgt_lang=config.tgt_lang,
        run_dir=config.run_dir,
        seed=config.seed,
        data=replace(config.data, **data),
    )


def read_reasons(saved: Path) -> dict[KeyPath, str]:
    """Why keys that were left open have their values, from the config that a run has saved."""
    text = saved.read_text(encoding="utf-8")
    lines = text.split("\n")
    return {
        place: match[1]
        for number, place in value_places(parse_yaml(text)).items()
        if (match := _COMMENT.search(lines[number - 1]))
    }


def _is_open(given: Given, place: KeyPath) -> bool:
    """Whether the user left a key of a section open."""
    section = given.values.get(str(place[0])) or {}
    return bool(section.get(place[-1], AUTO) == AUTO)
