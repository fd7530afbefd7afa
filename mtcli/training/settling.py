"""Settle the config of a run: read its data and measure the machine, or read what the run has."""

from __future__ import annotations

from typing import Any

from mtcli.bundle.model_folder import read_model
from mtcli.config.auto.facts import TYPICAL, Machine
from mtcli.config.dump import plain_values
from mtcli.config.schema.root import TrainConfig
from mtcli.config.settle import Settled, settled_by_rules, settled_like, with_micro_batch
from mtcli.config.unsettled import UnsettledConfig
from mtcli.data.facts import read_facts
from mtcli.runs.folder import RunFolder
from mtcli.runs.resolve import resolve_model


def settle(
    config: TrainConfig,
    budget_s: float | None = None,
    *,
    fresh: bool = False,
    num_processes: int = 1,
) -> Settled:
    """Choose the keys that a config leaves open; one without open keys stays as it is.

    A run that has begun keeps what it began with, whatever the budget, the data and the machine are
    now.

    Args:
        config: as `load_config` returns it.
        budget_s: seconds of `--budget`, if given.
        fresh: whether the run starts over.
        num_processes: how many train together, and share the memory of a machine without GPUs.

    Raises:
        ConfigError: what the user set does not go with what was chosen.
        DataError: the training pairs cannot be read.
        DeviceError: the device is missing.
        ModelFolderError: the model of `training.init_from` cannot be read.
    """
    if not isinstance(config, UnsettledConfig):
        return Settled(config)
    run = RunFolder(config.run_dir)
    if run.config.exists() and not fresh and (run.all_checkpoints() or run.all_models()):
        return settled_like(config, run.config)
    settled = _chosen(config, budget_s)
    if not config.given.is_batch_open:
        return settled
    from mtcli.training.batch_memory import largest_micro_batch

    return with_micro_batch(settled, *largest_micro_batch(settled.config, num_processes))


def _chosen(config: UnsettledConfig, budget_s: float | None) -> Settled:
    """What the rules choose; of a config whose batch alone is open, nothing."""
    if not (config.given.is_all_open or config.given.is_vocabulary_open):
        return settled_by_rules(config, TYPICAL, Machine())
    facts = read_facts(config.data.train)
    return settled_by_rules(config, facts, _machine(config, budget_s), _start(config))


def _start(config: TrainConfig) -> dict[str, dict[str, Any]] | None:
    """Architecture, and kind of vocabulary, of the model that the run starts from, if any."""
    if config.training.init_from is None:
        return None
    card = read_model(resolve_model(config.training.init_from)).card
    return {
        "model": plain_values(card.architecture),
        "tokenizer": {"shared": card.shared_vocab},
    }


def _machine(config: TrainConfig, budget_s: float | None) -> Machine:
    from mtcli.device.choice import choose_device  # torch, which `config show` may not need

    device = choose_device(config.training.device).type
    if budget_s is None:
        return Machine(device=device)
    from mtcli.training.throughput import reference_tokens_per_s

    return Machine(budget_s, reference_tokens_per_s(config.training), device)
