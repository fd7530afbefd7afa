"""Checkpoints: everything that a run needs to go on as if it had never stopped.

A checkpoint holds no random state: every update seeds its generator from (seed, step, rank), and
sampling is a function of (seed, epoch, pair, side). Nor does it hold anything of single ranks: the
plan is entered by (epoch, update), so a run goes on with another number of processes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtcli.errors import CheckpointError, RunFolderError
from mtcli.folders import new_folder, read_json, verify_folder, write_json
from mtcli.runs.folder import RunFolder

logger = logging.getLogger(__name__)

_MODEL, _OPTIMIZER, _AVERAGE = "model.safetensors", "optimizer.safetensors", "ema.safetensors"
_STATE = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """All that is saved, and nothing else."""

    step: int
    """Updates made."""
    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    """Under `kind/parameter name`."""
    average: dict[str, Tensor] | None
    """The exponential moving average of the weights, where one is kept."""
    state: dict[str, Any] = field(default_factory=dict)
    """The rest, as JSON: position in the data, counters, schedule, best score, loss scaler."""


def write_checkpoint(run: RunFolder, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and let `last` be it.

    Raises:
        RunFolderError: it cannot be written, for instance on a full disk; earlier ones are intact.
    """
    path = run.checkpoint(checkpoint.step)
    arrays = {_MODEL: checkpoint.weights, _OPTIMIZER: checkpoint.optimizer}
    if checkpoint.average is not None:
        arrays[_AVERAGE] = checkpoint.average
    with new_folder(path) as folder:
        for name, tensors in arrays.items():
            try:
                save_file({k: t.contiguous() for k, t in tensors.items()}, folder / name)
            except SafetensorError as error:  # a full disk comes as this, not as OSError
                raise RunFolderError(f"cannot write {path / name}: {error}") from error
        state = {"format_version": 1, "step": checkpoint.step} | checkpoint.state
        write_json(folder / _STATE, state)
    run.point_last(checkpoint.step)


def read_checkpoint(run: RunFolder, step: int) -> Checkpoint:
    """The checkpoint of `step`, verified.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    path = run.checkpoint(step)
    verify_folder(path, error=CheckpointError, required=(_MODEL, _OPTIMIZER, _STATE))
    state = read_json(path / _STATE, CheckpointError)
    average = load_file(path / _AVERAGE) if (path / _AVERAGE).exists() else None
    return Checkpoint(step, load_file(path / _MODEL), load_file(path / _OPTIMIZER), average, state)


def read_weights(run: RunFolder, step: int) -> dict[str, Tensor]:
    """Only the weights of a checkpoint."""
    return load_file(run.checkpoint(step) / _MODEL)


def stop_steps(run: RunFolder) -> set[int]:
    """Steps of checkpoints that only a stop made, between those of the config."""
    return {step for step in run.checkpoint_steps() if _is_stop(run.checkpoint(step))}


def _is_stop(path: Path) -> bool:
    try:
        return bool(read_json(path / _STATE, CheckpointError).get("is_stop", False))
    except CheckpointError:  # damaged: it is passed over where a checkpoint is read
        return False


def read_newest(run: RunFolder) -> Checkpoint | None:
    """The newest checkpoint that is whole; None when the run has none.

    A damaged one is passed over with a warning; when all are damaged that is an error.

    Raises:
        CheckpointError: there are checkpoints, and none is whole.
    """
    steps = run.checkpoint_steps()
    problem: CheckpointError | None = None
    for step in reversed(steps):
        try:
            return read_checkpoint(run, step)
        except CheckpointError as error:
            logger.warning("passing over a checkpoint: %s", error)
            problem = error
    if problem is not None:
        raise problem
    return None
