"""Layers that are computed again for the gradient: the same numbers, and less that is kept."""

import pytest
import torch

from mtcli.model.seq2seq import PassSettings
from tests.support.models import random_batch, tiny_model

BATCH = random_batch([(5, 9), (7, 1), (2, 6)])
DROPOUT = {"dropout": 0.3, "attention_dropout": 0.2, "activation_dropout": 0.1}


def gradients(variant, settings):
    model = tiny_model(variant, **DROPOUT).train()
    torch.manual_seed(3)
    loss = model(BATCH, 0.1, settings)
    loss.backward()
    return [loss.detach(), *(parameter.grad for parameter in model.parameters())]


@pytest.mark.parametrize("variant", ["pre-norm", "rotary grouped", "local", "low rank"])
@pytest.mark.parametrize("keys", [{}, {"rdrop_alpha": 2.0, "layer_dropout": 0.4}])
def test_loss_and_gradients_are_the_same_bit_for_bit(variant, keys):
    kept = gradients(variant, PassSettings(**keys))
    for got, want in zip(
        gradients(variant, PassSettings(**keys, recompute=True)), kept, strict=True
    ):
        assert torch.equal(got, want)


def test_what_is_kept_for_the_gradient_is_a_fraction():
    def num_kept(settings):
        sizes = []
        model = tiny_model("pre-norm", **DROPOUT).train()

        def keep(tensor):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model(BATCH, 0.1, settings)
        return sum(sizes)

    assert num_kept(PassSettings(recompute=True)) < 0.4 * num_kept(PassSettings())
