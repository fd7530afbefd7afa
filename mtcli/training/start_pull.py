"""L2 regularisation towards the weights that a run started from (`regularization.l2_to_start`)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mtcli.training.averaging import copy_weights
from mtcli.training.saved_values import check_weights


class StartPull:
    """Adds strength / 2 * |weights - start|^2 to the loss of an update, as its gradient.

    A checkpoint keeps the weights of the start, so that a resumed run pulls to the same ones, even
    where the model that it started from is gone.

    Args:
        model: the one that is trained, sharded or not.
        strength: lambda.

    Source: Barone et al. 2017 (Regularization techniques for fine-tuning in neural machine
    translation), section 2.3; Li et al. 2018 (L2-SP), equation 3.
    """

    def __init__(self, model: nn.Module, strength: float) -> None:
        self.strength = strength
        self._model = model
        self.weights = {name: p.clone() for name, p in _trained(model).items()}

    def restart(self) -> None:
        """Pull to the weights that the model has now."""
        copy_weights(_trained(self._model), into=self.weights)

    @torch.no_grad()
    def add_gradients(self) -> None:
        """Add the gradient of the term to those of the loss."""
        for name, parameter in self._model.named_parameters():
            if parameter.grad is not None:
                distance = parameter.detach() - self.weights[name]
                parameter.grad.add_(distance, alpha=self.strength)

    def state_dict(self) -> dict[str, Any]:
        """The weights of the start by name, of what is trained."""
        return dict(self.weights)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the weights of a start, sharded or not.

        Raises:
            CheckpointError: they are not those of this model.
        """
        check_weights(state, self.weights)
        copy_weights(state, into=self.weights)


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
