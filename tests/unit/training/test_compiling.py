"""The compiled training forward against the plain one."""

import pytest
import torch

from mtcli.training.compiling import CompiledForward
from tests.architectures import random_batch, tiny_model

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",  # torch.compile's own imports warn
    # its tracer looks at .grad of tensors that have none (torch 2.13)
    "ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning",
)


@pytest.mark.slow
def test_the_compiled_forward_gives_the_same_loss_and_gradients():
    model = tiny_model("pre-norm").train()
    compiled = CompiledForward(model)
    for seed in range(3):  # three shapes: the second is the first that is compiled as dynamic
        batch = random_batch([(4 + seed, 5), (3, 2 + seed)], seed)
        found = []
        for forward in (compiled, model):
            loss = forward(batch, 0.1)
            loss.backward()
            found.append((loss.detach(), [p.grad.clone() for p in model.parameters()]))
            model.zero_grad()
        (one, one_grads), (other, other_grads) = found
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(one_grads, other_grads, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_dropout_compiles_too():
    model = tiny_model("pre-norm").train()
    for module in model.modules():
        if hasattr(module, "dropout_p"):
            module.dropout_p = 0.3
    loss = CompiledForward(model)(random_batch([(4, 5), (3, 2)], 0), 0.1)
    loss.backward()
    assert torch.isfinite(loss)
    model.eval()
    assert loss.item() != model(random_batch([(4, 5), (3, 2)], 0), 0.1).item()


def test_the_weights_are_those_of_the_model():
    model = tiny_model("pre-norm")
    compiled = CompiledForward(model)
    assert list(compiled.parameters()) == list(model.parameters())
    model.train()
    assert compiled.model.training
