"""Say what is about to be trained: in the log, and in environment.json."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

import torch

from mtcli.model.seq2seq import num_parameters
from mtcli.runs.environment import write_environment
from mtcli.runs.lock import check_in_place
from mtcli.runs.split import Split
from mtcli.training.frozen import describe_frozen
from mtcli.training.loop_parts import LoopParts
from mtcli.training.text_checks import report_on_texts

logger = logging.getLogger(__name__)


def describe(parts: LoopParts) -> None:
    """Log the model, the device, the optimizers and what is odd, and write environment.json."""
    config, numerics, world = parts.config, parts.numerics, parts.world
    store = parts.corpus.store.path
    num_weights = num_parameters(parts.model.whole)
    split = Split(world.size, torch.get_num_threads())
    logger.info(
        "%d parameters, vocabulary %d, %s on %s, %s",
        num_weights,
        parts.corpus.tgt_tokenizer.vocab_size,
        numerics.precision,
        numerics.device,
        split,
    )
    if config.training.parallel == "fsdp":
        logger.info("weights, gradients and optimizer state are sharded over %d", world.size)
    groups = parts.step_parts.optimizers.describe()
    for group in groups:
        logger.info("%s", group)
    is_cuda = numerics.device.type == "cuda"
    if config.training.freeze:
        logger.info(describe_frozen(parts.model.trained, config.training.freeze))
    facts: dict[str, Any] = {
        "device": str(numerics.device),
        "device_name": torch.cuda.get_device_name(numerics.device) if is_cuda else "cpu",
        "precision": numerics.precision,
        "num_processes": split.processes,
        "parallel": config.training.parallel,
        "num_threads": split.threads,
        "num_parameters": num_weights,
        "seed": config.seed,
        "store": str(store),
        "store_fingerprint": store.name,
        "optimizer_groups": [asdict(group) for group in groups],
    }
    check_in_place(parts.run.path)
    write_environment(parts.run, facts)
    is_new = parts.state.progress.step == 0  # later starts have it in the log
    report_on_texts(config, parts.corpus.valid, reads_training=is_new)
