"""Byte dropout is dropout: the right share of zeros, the right mean, its own gradient."""

import pytest
import torch

from mtcli.model.dropout import dropout


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_the_share_of_zeros_is_the_probability_used_and_the_mean_is_kept(p):
    torch.manual_seed(0)
    n, used = 1_000_003, round(p * 256) / 256  # n is not a multiple of eight
    out = dropout(torch.ones(n), p, training=True)
    assert abs(used - p) <= 1 / 512
    deviation = (used * (1 - used) / n) ** 0.5
    assert abs((out == 0).float().mean().item() - used) < 4 * deviation
    assert abs(out.mean().item() - 1) < 4 * deviation / (1 - used)
    assert out.unique().tolist() == [0.0, pytest.approx(1 / (1 - used))]


def test_neighbours_are_independent():
    torch.manual_seed(0)
    zero = (dropout(torch.ones(800_000), 0.3, training=True) == 0).float()
    for lag in range(1, 10):
        correlation = torch.corrcoef(torch.stack([zero[:-lag], zero[lag:]]))[0, 1]
        assert abs(correlation.item()) < 5 / 800_000**0.5


def test_the_gradient_passes_where_the_value_did():
    torch.manual_seed(0)
    x = torch.randn(1000, dtype=torch.float64, requires_grad=True)
    out = dropout(x, 0.4, training=True)
    (grad,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(grad * x, out)


def test_it_repeats_after_seeding_and_does_nothing_in_evaluation():
    x = torch.ones(100)
    torch.manual_seed(3)
    first = dropout(x, 0.5, training=True)
    torch.manual_seed(3)
    assert torch.equal(first, dropout(x, 0.5, training=True))
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0, training=True) is x
