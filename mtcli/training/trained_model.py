"""The model of a run: as it is trained, as it is validated and saved, and its average."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from mtcli.distributed import fsdp
from mtcli.distributed.world import World
from mtcli.model.seq2seq import Seq2Seq
from mtcli.training.averaging import (
    ExponentialAverage,
    copy_weights,
    holding_weights,
    mean_weights,
    named_weights,
)
from mtcli.training.start_pull import StartPull


@dataclass(frozen=True)
class TrainedModel:
    """One model in two forms, which are the same object unless it is sharded."""

    whole: Seq2Seq
    """Validated and saved. If the weights are sharded it is a twin on the CPU, which has them
    within `holding` only."""
    trained: Seq2Seq
    """What the optimizers move."""
    average: ExponentialAverage | None
    """Exponential moving average of the weights, if one is kept."""
    pull: StartPull | None = None
    """What pulls `trained` to the weights of the start, if anything does."""

    @property
    def is_sharded(self) -> bool:
        """Whether each process holds a part of `trained`."""
        return self.whole is not self.trained

    def weights_changed(self) -> None:
        """Let `trained`, average and pull start from the weights that were put into `whole`."""
        if self.is_sharded:
            copy_weights(named_weights(self.whole), into=named_weights(self.trained))
        if self.average is not None:
            self.average.restart(self.trained)
        if self.pull is not None:
            self.pull.restart()

    @contextmanager
    def holding(self, device: torch.device, earlier: list[dict[str, Tensor]]) -> Iterator[None]:
        """Within the context, `whole` has the weights to use: an average, if one is asked for.

        Collective if the weights are sharded; outside, `whole` then takes no memory of a GPU.

        Args:
            device: where `whole` is to be.
            earlier: weights of checkpoints to average with; empty does not average.
        """
        with self._gathered(device):
            weights = None if self.average is None else self.average.weights
            if weights is None and earlier:
                own = {name: weight.cpu() for name, weight in named_weights(self.whole).items()}
                weights = mean_weights([*earlier, own])
            with holding_weights(self.whole, weights):
                yield

    @contextmanager
    def _gathered(self, device: torch.device) -> Iterator[None]:
        if not self.is_sharded:
            yield
            return
        self.whole.to(device)
        copy_weights(named_weights(self.trained), into=named_weights(self.whole))
        try:
            yield
        finally:
            self.whole.to("cpu")


def sharded_twin(model: Seq2Seq, world: World, device: torch.device) -> Seq2Seq:
    """A copy of `model` on `device`, of which each process holds its part, layer by layer."""
    twin = copy.deepcopy(model).to(device)
    fsdp.shard(twin, [*twin.encoder.layers, *twin.decoder.layers], world, device)
    return twin
