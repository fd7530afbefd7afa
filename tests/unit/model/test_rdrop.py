"""R-Drop's loss and gradients against its formula, and what it does in the model."""

import pytest
import torch
import torch.nn.functional as F

from mtcli.model import rdrop
from mtcli.model.loss import smoothed_cross_entropy
from mtcli.model.rdrop import rdrop_cross_entropy
from mtcli.model.seq2seq import PassSettings
from tests.support.models import random_batch, tiny_model


def plain(hidden_ND, other_ND, weight_VD, ids_N, smoothing, alpha):
    """The formula with whole logits, for autograd."""
    p, q = (torch.log_softmax(h @ weight_VD.T, -1) for h in (hidden_ND, other_ND))
    losses = [
        F.cross_entropy(h @ weight_VD.T, ids_N, reduction="sum", label_smoothing=smoothing)
        for h in (hidden_ND, other_ND)
    ]
    divergence = (p.exp() * (p - q)).sum() + (q.exp() * (q - p)).sum()
    return sum(losses) / 2 + alpha * divergence / 4


def inputs(N, D=5, V=7, dtype=torch.float64):
    torch.manual_seed(N)
    tensors = [torch.randn(shape, dtype=dtype) for shape in ((N, D), (N, D), (V, D))]
    return [t.requires_grad_() for t in tensors], torch.randint(V, (N,))


@pytest.mark.parametrize("N", [0, 1, 6, 11])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("alpha", [0.0, 5.0])
def test_loss_and_gradients_are_those_of_the_formula(monkeypatch, N, smoothing, alpha):
    monkeypatch.setattr(rdrop, "_CHUNK_CELLS", 20)  # two rows of seven logits: N=11 in six chunks
    tensors, ids_N = inputs(N)
    want = plain(*tensors, ids_N, smoothing, alpha)
    want_grads = torch.autograd.grad(want * 3, tensors)
    got = rdrop_cross_entropy(*tensors, ids_N, smoothing, alpha)
    got_grads = torch.autograd.grad(got * 3, tensors)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
    for got_grad, want_grad in zip(got_grads, want_grads, strict=True):
        torch.testing.assert_close(got_grad, want_grad, rtol=1e-10, atol=1e-12)


def test_equal_passes_have_the_plain_loss():
    (hidden_ND, _, weight_VD), ids_N = inputs(6)
    got = rdrop_cross_entropy(hidden_ND, hidden_ND, weight_VD, ids_N, 0.1, 5.0)
    want = smoothed_cross_entropy(hidden_ND, weight_VD, ids_N, 0.1)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=0)


def test_under_autocast_it_is_near_the_exact_one():
    tensors, ids_N = inputs(50, D=16, V=40, dtype=torch.float32)
    want = plain(*tensors, ids_N, 0.1, 1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = rdrop_cross_entropy(*tensors, ids_N, 0.1, 1.0)
    torch.testing.assert_close(got, want, rtol=2e-2, atol=0)
    assert [g.dtype for g in torch.autograd.grad(got, tensors)] == [torch.float32] * 3


def test_the_model_makes_two_passes_with_other_dropout():
    model = tiny_model("pre-norm", dropout=0.3).train()
    batch = random_batch([(5, 9), (7, 1), (2, 6)])
    settings = PassSettings(rdrop_alpha=4.0)
    torch.manual_seed(3)
    got = model(batch, 0.1, settings)
    torch.manual_seed(3)
    states = []
    for _ in range(2):
        memory = model.encode(batch.src_ids_BS, batch.src_keep_BS)
        hidden = model.decode(batch.tgt_in_ids_BT, memory, batch.src_keep_BS)
        states.append(hidden.flatten(0, 1)[batch.loss_positions_N])
    assert not torch.allclose(*states)
    want = plain(*states, model.output_weight_VD, batch.loss_ids_N, 0.1, 4.0)
    torch.testing.assert_close(got, want, rtol=1e-10, atol=0)
    assert (settings.num_passes, PassSettings().num_passes) == (2, 1)
