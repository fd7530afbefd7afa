"""From a checkpoint back into a run: weights, optimizer state, averages, how far it had come."""

from __future__ import annotations

import logging
from typing import Any

import torch

from mtcli.config.schema.root import TrainConfig
from mtcli.errors import CheckpointError
from mtcli.model.seq2seq import Seq2Seq
from mtcli.training.averaging import ExponentialAverage, copy_weights, named_weights
from mtcli.training.checkpoint import Checkpoint
from mtcli.training.corpus import VALIDATION
from mtcli.training.optim import Optimizers
from mtcli.training.progress import Progress
from mtcli.training.schedule import fits_budget

logger = logging.getLogger(__name__)


def restore(
    checkpoint: Checkpoint,
    trained: Seq2Seq,
    optimizers: Optimizers,
    average: ExponentialAverage | None,
    scaler: torch.amp.GradScaler,
) -> None:
    """Put everything back as the checkpoint has it, sharded or not.

    Raises:
        CheckpointError: its weights do not fit the model.
    """
    own = named_weights(trained)
    if own.keys() != checkpoint.weights.keys():
        odd = sorted(own.keys() ^ checkpoint.weights.keys())[0]
        raise CheckpointError(f"the checkpoint of step {checkpoint.step} does not fit: {odd}")
    copy_weights(checkpoint.weights, into=own)
    optimizers.load_state_tensors(checkpoint.optimizer)
    if average is not None and checkpoint.average is not None:
        average.load(checkpoint.average, checkpoint.state["average_steps"])
    if checkpoint.state["scaler"]:
        scaler.load_state_dict(checkpoint.state["scaler"])


def check_same_data(checkpoint: Checkpoint, fingerprints: dict[str, str]) -> None:
    """Refuse to go on with other contents under the same names; of other validation pairs warn.

    Checkpoints of an earlier mtcli did not tell what they were trained on.

    Raises:
        CheckpointError: the training pairs or the tokenizers are not those of the checkpoint.
    """
    before = checkpoint.state.get("data", {})
    for name, old in before.items():
        new = fingerprints.get(name, "none")
        if new == old:
            continue
        if name == VALIDATION:
            logger.warning("%s have changed: scores before and after do not compare", name)
            continue
        raise CheckpointError(
            f"{name} changed since step {checkpoint.step} was saved (fingerprint {old[:16]} then,"
            f" {new[:16]} now). Put back what was there; or train a new run on what is there now,"
            " with --fresh or another run_dir, if need be from this one's model:"
            " training.init_from"
        )


def restored_progress(config: TrainConfig, state: dict[str, Any]) -> Progress:
    """How far the run has come; checkpoints of an earlier mtcli counted tokens once only, and did
    not tell what a budget had found from what the config said.
    """
    found = state["total_steps"] if fits_budget(config.schedule) else None
    earlier = {"total_tgt_tokens_computed": state["total_tgt_tokens"], "budget_steps": found}
    return Progress(**{**earlier, **state})
