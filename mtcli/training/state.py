"""Everything that changes in a run: one dictionary of parts, which a checkpoint saves and restores.

Nothing in it is random: every update seeds its generator from (seed, step, rank), and sampling is a
function of (seed, epoch, pair, side). Nothing in it belongs to a single rank: the plan is entered
by (epoch, update), so a run resumes on another number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from mtcli.config.schema.optimization import Schedule
from mtcli.model.seq2seq import Seq2Seq
from mtcli.training.averaging import copy_weights, named_weights
from mtcli.training.best_score import BestScore
from mtcli.training.fingerprints import DataFingerprints
from mtcli.training.optim import Optimizers
from mtcli.training.progress import Progress
from mtcli.training.rates import Rates
from mtcli.training.saved_values import check_weights, saved_value
from mtcli.training.schedule import PlateauState
from mtcli.training.trained_model import TrainedModel

MODEL, OPTIMIZER, AVERAGE, START = "model", "optimizer", "ema", "start"
"""Names of the parts that have tensors, and so files, of their own."""


class Stateful(Protocol):
    """A part of a run that a checkpoint saves and restores."""

    def state_dict(self) -> dict[str, Any]:
        """The part by name: tensors, whole or sharded, and values that JSON can hold."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, its tensors whole and on the CPU.

        Raises:
            CheckpointError: it does not fit this run.
        """


@dataclass(frozen=True)
class Weights:
    """The parameters that are trained."""

    model: Seq2Seq

    def state_dict(self) -> dict[str, Any]:
        """Every parameter by its plain name, tied ones once."""
        return dict(named_weights(self.model))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the parameters, sharded or not.

        Raises:
            CheckpointError: they are not those of this model.
        """
        own = named_weights(self.model)
        check_weights(state, own)
        copy_weights(state, into=own)


@dataclass(frozen=True)
class LossScale:
    """The loss scaler of fp16; empty while it is idle."""

    scaler: torch.amp.GradScaler

    def state_dict(self) -> dict[str, Any]:
        """The scale, and the number of updates since it changed."""
        return dict(self.scaler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a scale; a run that changes to fp16 starts with the default.

        Raises:
            CheckpointError: a value is missing, or of another type.
        """
        if state and self.scaler.is_enabled():
            for key, value in self.scaler.state_dict().items():
                saved_value(state, key, type(value))
            self.scaler.load_state_dict(state)


class RunState:
    """What a run changes. `parts` is what a checkpoint holds: a new stateful part is one entry.

    Args:
        model: the one that is trained, sharded or not, with its average and start if it has them.
        optimizers: what moves it.
        scaler: of the loss.
        fingerprints: of the data.
        schedule: of the learning rate.
        best_by: metric that chooses the best model.
    """

    def __init__(
        self,
        model: TrainedModel,
        optimizers: Optimizers,
        scaler: torch.amp.GradScaler,
        fingerprints: DataFingerprints,
        schedule: Schedule,
        best_by: str,
    ) -> None:
        self.progress = Progress()
        self.best = BestScore(best_by)
        self.plateau = PlateauState()
        self.rates = Rates(optimizers, schedule, self.progress, self.plateau)
        # In this order they are restored: what refuses a checkpoint comes first.
        self.parts: dict[str, Stateful] = {
            "data": fingerprints,
            MODEL: Weights(model.trained),
            OPTIMIZER: optimizers,
            "scaler": LossScale(scaler),
            "progress": self.progress,
            "best": self.best,
            "plateau": self.plateau,
            "rates": self.rates,
        }
        if model.average is not None:
            self.parts[AVERAGE] = model.average
        if model.pull is not None:
            self.parts[START] = model.pull
