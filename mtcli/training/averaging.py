"""Averages of weights: over the last checkpoints, or exponentially over all steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mtcli.distributed.fsdp import gather, scatter
from mtcli.training.saved_values import check_weights, saved_value


def named_weights(model: nn.Module) -> dict[str, Tensor]:
    """The parameters of `model` by name, tied ones once, without gradients."""
    return {name: p.detach() for name, p in model.named_parameters()}


@torch.no_grad()
def copy_weights(weights: Mapping[str, Tensor], into: Mapping[str, Tensor]) -> None:
    """Copy tensors to those of the same names; collective where either are sharded."""
    for name, value in weights.items():
        into[name].copy_(scatter(gather(value), into[name]))


class ExponentialAverage:
    """average <- decay * average + (1 - decay) * weights, after every step.

    With `warm_up` on the first steps, the decay is min(decay, (1 + n) / (10 + n)) at the n-th step,
    so that the random first weights are forgotten in time.

    Source: Polyak & Juditsky 1992; the warm-up is that of TensorFlow's moving averages.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.num_steps = 0
        self.weights = {name: p.clone() for name, p in named_weights(model).items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Add the weights after one more step."""
        decay = min(self.decay, (1 + self.num_steps) / (10 + self.num_steps))
        self.num_steps += 1
        averages = list(self.weights.values())
        torch._foreach_lerp_(averages, [p.detach() for p in model.parameters()], 1 - decay)

    def restart(self, model: nn.Module) -> None:
        """Start again with the weights that `model` has now."""
        copy_weights(named_weights(model), into=self.weights)
        self.num_steps = 0

    def state_dict(self) -> dict[str, Any]:
        """The averages by the names of the weights, and `num_steps`."""
        return {**self.weights, "num_steps": self.num_steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over averages, sharded or not, and the number of steps that they are over.

        Raises:
            CheckpointError: they are not those of this model.
        """
        self.num_steps = saved_value(state, "num_steps", int)
        averages = {name: value for name, value in state.items() if name != "num_steps"}
        if averages or self.num_steps:  # a run that had none has neither
            check_weights(averages, self.weights)
        copy_weights(averages, into=self.weights)


def mean_weights(many: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight, summed in float64 so that the order does not matter."""
    return {
        name: torch.stack([weights[name].double().cpu() for weights in many])
        .mean(0)
        .to(first.dtype)
        .to(first.device)
        for name, first in many[0].items()
    }


def weighted_mean(
    many: Sequence[Mapping[str, Tensor]], shares: Sequence[float]
) -> dict[str, Tensor]:
    """The sum of each weight times the share of its model, in float64."""
    return {
        name: torch.stack(
            [weights[name].double() * share for weights, share in zip(many, shares, strict=True)]
        )
        .sum(0)
        .to(first.dtype)
        for name, first in many[0].items()
    }


@contextmanager
@torch.no_grad()
def holding_weights(model: nn.Module, weights: dict[str, Tensor] | None) -> Iterator[None]:
    """Within the context `model` has the given weights, gathered if sharded; None keeps its own."""
    if weights is None:
        yield
        return
    own = {name: p.clone() for name, p in named_weights(model).items()}
    copy_weights(weights, into=named_weights(model))
    try:
        yield
    finally:
        copy_weights(own, into=named_weights(model))
