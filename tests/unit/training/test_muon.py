"""Muon: its step against the formula and against torch's, matrix by matrix."""

import pytest
import torch

from mtcli.training.muon import Muon, iteration_dtype, orthogonalize
from tests.reference import muon_written_out, newton_schulz

SHAPES = [(6, 6), (4, 9), (9, 4), (6, 6), (9, 4)]


def parameters_of(shapes, dtype=torch.float64):
    torch.manual_seed(3)
    return [torch.nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in shapes]


def test_orthogonalize_is_the_iteration_written_out():
    torch.manual_seed(0)
    update = torch.randn(3, 5, 8, dtype=torch.float64)
    for got, one in zip(orthogonalize(update), update, strict=True):
        torch.testing.assert_close(got, newton_schulz(one), rtol=1e-12, atol=1e-12)


def test_singular_values_come_near_one_and_directions_stay():
    torch.manual_seed(0)
    update = torch.randn(1, 16, 40, dtype=torch.float64) * 1e-3
    got = orthogonalize(update)[0]
    assert torch.linalg.svdvals(got).min() > 0.6
    assert torch.linalg.svdvals(got).max() < 1.3
    left, _, right = torch.linalg.svd(update[0], full_matrices=False)
    inner = left.T @ got @ right.T
    torch.testing.assert_close(inner, torch.diag(inner.diagonal()), rtol=0, atol=1e-9)


def test_a_gradient_of_zero_moves_nothing():
    (weight,) = parameters_of([(3, 4)])
    before = weight.detach().clone()
    optimizer = Muon([{"params": [weight]}], lr=0.1)
    weight.grad = torch.zeros_like(weight)
    optimizer.step()
    assert torch.equal(weight, before)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_steps_of_many_matrices_are_the_formula_of_each_by_itself(weight_decay):
    weights = parameters_of(SHAPES)
    before = [w.detach().clone() for w in weights]
    gradients = [[torch.randn_like(w) for _ in range(4)] for w in weights]
    optimizer = Muon([{"params": weights}], lr=0.05, momentum=0.9, weight_decay=weight_decay)
    for step in range(4):
        for weight, of_weight in zip(weights, gradients, strict=True):
            weight.grad = of_weight[step]
        optimizer.step()
    for got, start, of_weight in zip(weights, before, gradients, strict=True):
        want = muon_written_out(start, of_weight, 0.05, 0.9, weight_decay)
        torch.testing.assert_close(got.detach(), want, rtol=1e-10, atol=1e-10)


def test_a_step_is_that_of_torch_but_for_its_bf16():
    (ours,) = parameters_of([(8, 16)], torch.float32)
    theirs = torch.nn.Parameter(ours.detach().clone())
    before = ours.detach().clone()
    ours.grad = theirs.grad = torch.randn_like(ours)
    Muon([{"params": [ours]}], lr=0.1).step()
    torch.optim.Muon([theirs], lr=0.1, weight_decay=0.0).step()
    # 0.03 here; bf16 has 8 bits, and the iteration blows their error up
    assert (ours - theirs).norm() / (ours - before).norm() < 0.1


def test_only_matrices_are_taken():
    with pytest.raises(ValueError, match="matrices only"):
        Muon([{"params": parameters_of([(3,)])}])


def test_the_iteration_is_never_less_exact_than_fp32_on_cpu():
    assert iteration_dtype(torch.zeros(1, dtype=torch.bfloat16)) == torch.float32
    assert iteration_dtype(torch.zeros(1)) == torch.float32
    assert iteration_dtype(torch.zeros(1, dtype=torch.float64)) == torch.float64
    assert iteration_dtype(torch.zeros(1, device="meta")) == torch.bfloat16
