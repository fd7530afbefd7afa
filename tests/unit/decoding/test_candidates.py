"""The best continuations against a sort of all of them."""

import math

import pytest
import torch

from mtcli.decoding.candidates import best_continuations, without_nan


def sorted_out(log_prob_BW, step_RV):
    """The same by sorting everything, in plain Python."""
    B, W = log_prob_BW.shape
    V, totals, choices = step_RV.size(1), [], []
    sums_BX = (step_RV.view(B, W, V) + log_prob_BW[:, :, None]).view(B, -1).tolist()
    for sums_X in sums_BX:
        sums = [(total, choice) for choice, total in enumerate(sums_X)]
        best = sorted((s for s in sums if s[0] > -math.inf), reverse=True)[:W]
        totals.append([s[0] for s in best])
        choices.append([s[1] for s in best])
    return totals, choices


# Divisible and not, one part and many, parts of one id, fewer parts than hypotheses.
@pytest.mark.parametrize(
    ("V", "part_size"), [(5, 64), (32, 4), (37, 4), (39, 4), (24, 1), (9, 1), (64, 8), (1000, 64)]
)
@pytest.mark.parametrize("W", [1, 2, 5, 12])
def test_the_best_continuations_are_those_that_sorting_finds(W, V, part_size):
    for seed in range(5):
        torch.manual_seed(seed)
        log_prob_BW, step_RV = torch.randn(3, W), torch.randn(3 * W, V)
        log_prob_BW[torch.rand(3, W) < 0.2] = -torch.inf
        step_RV[torch.rand(3 * W, V) < 0.3] = -torch.inf
        totals, choices = best_continuations(log_prob_BW, step_RV, part_size)
        want_totals, want_choices = sorted_out(log_prob_BW, step_RV)
        assert choices.shape == totals.shape == (3, W)
        assert ((choices >= 0) & (choices < W * V)).all()
        for b in range(3):
            found = len(want_totals[b])
            assert totals[b, :found].tolist() == want_totals[b]
            assert choices[b, :found].tolist() == want_choices[b]
            assert (totals[b, found:] == -torch.inf).all()


@pytest.mark.parametrize("part_size", [4, 64])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_hypothesis_without_probabilities_leaves_the_others_alone(bad, part_size):
    torch.manual_seed(0)
    log_prob_BW, step_RV = torch.randn(2, 3), torch.randn(6, 38)
    step_RV[1] = bad
    totals, choices = best_continuations(log_prob_BW, step_RV.clone(), part_size)
    step_RV[1] = -torch.inf
    want_totals, want_choices = sorted_out(log_prob_BW, step_RV)
    assert totals.tolist() == want_totals
    assert choices.tolist() == want_choices


def test_what_is_no_log_probability_is_minus_infinity():
    values = torch.tensor([math.nan, math.inf, -math.inf, -1.5, 0.0])
    assert without_nan(values).tolist() == [-math.inf, -math.inf, -math.inf, -1.5, 0.0]
