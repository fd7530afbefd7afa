"""Learning-rate schedules at the steps where one can say what they must be."""

import math
from itertools import pairwise

import pytest

from mtcli.config.schema.optimization import (
    CosineConfig,
    InverseSqrtConfig,
    LinearConfig,
    PlateauConfig,
    WsdConfig,
)
from mtcli.training.schedule import PlateauState, fits_budget, lr_multiplier, needs_total_steps

ALL = [
    InverseSqrtConfig(warmup_steps=10),
    CosineConfig(kind="cosine", warmup_steps=10),
    LinearConfig(kind="linear", warmup_steps=10),
    WsdConfig(kind="wsd", warmup_steps=10),
    PlateauConfig(kind="plateau", warmup_steps=10),
]


@pytest.mark.parametrize("config", ALL, ids=lambda c: c.kind)
def test_the_first_steps_climb_in_a_straight_line_to_the_peak(config):
    climb = [lr_multiplier(config, step, 100) for step in range(1, 11)]
    assert climb == [pytest.approx(step / 10) for step in range(1, 11)]


@pytest.mark.parametrize("config", ALL, ids=lambda c: c.kind)
def test_after_the_warmup_it_never_rises_and_never_reaches_zero_before_the_end(config):
    rates = [lr_multiplier(config, step, 100) for step in range(10, 101)]
    assert all(a >= b for a, b in pairwise(rates))
    assert rates[-1] > 0


def test_inverse_square_root_is_the_papers():
    config = InverseSqrtConfig(warmup_steps=4000)
    assert lr_multiplier(config, 16000, None) == pytest.approx(0.5)


def test_cosine_is_half_way_down_half_way_and_ends_at_its_final_ratio():
    config = CosineConfig(kind="cosine", warmup_steps=0, final_ratio=0.2)
    assert lr_multiplier(config, 50, 99) == pytest.approx(0.6)
    assert lr_multiplier(config, 99, 99) == pytest.approx(0.2, abs=1e-3)
    assert lr_multiplier(config, 500, 99) == pytest.approx(0.2)


def test_linear_falls_by_the_same_amount_at_every_step():
    config = LinearConfig(kind="linear", warmup_steps=0)
    rates = [lr_multiplier(config, step, 9) for step in range(1, 11)]
    falls = [a - b for a, b in pairwise(rates)]
    assert falls == [pytest.approx(0.1)] * 9
    assert lr_multiplier(config, 10, 9) == 0


def test_wsd_is_constant_until_its_decay():
    config = WsdConfig(kind="wsd", warmup_steps=10, decay_ratio=0.2)
    assert lr_multiplier(config, 80, 100) == 1
    assert lr_multiplier(config, 91, 100) == pytest.approx(0.5)
    assert lr_multiplier(config, 100, 100) == pytest.approx(0.05)


@pytest.mark.parametrize("decay_ratio", [0.5, 0.9, 1.0])
def test_a_decay_that_reaches_into_the_warmup_begins_at_the_peak(decay_ratio):
    config = WsdConfig(kind="wsd", warmup_steps=60, decay_ratio=decay_ratio)
    rates = [lr_multiplier(config, step, 100) for step in range(1, 101)]
    assert max(abs(a - b) for a, b in pairwise(rates)) < 0.03
    assert rates[59] == 1
    assert rates[-1] == pytest.approx(1 / 41)


def test_plateau_falls_after_its_patience_and_starts_counting_again():
    config = PlateauConfig(kind="plateau", warmup_steps=1, factor=0.5, patience=2, min_ratio=0.2)
    state = PlateauState()
    verdicts = [state.validated(config, is_better=b) for b in (True, False, False, False, False)]
    assert verdicts == [False, False, True, False, True]
    assert lr_multiplier(config, 9, None, state.ratio) == pytest.approx(0.25)
    for _ in range(9):
        state.validated(config, is_better=False)
    assert lr_multiplier(config, 9, None, state.ratio) == pytest.approx(0.2)


def test_other_schedules_take_no_notice_of_validations():
    state = PlateauState()
    assert not any(state.validated(ALL[0], is_better=False) for _ in range(9))
    assert state == PlateauState()


def test_who_needs_to_know_the_end():
    assert [needs_total_steps(config) for config in ALL] == [False, True, True, True, False]
    with pytest.raises(ValueError, match="last step"):
        lr_multiplier(ALL[1], 11, None)
    assert fits_budget(LinearConfig(kind="linear", fit="budget"))
    assert not any(fits_budget(config) for config in ALL)
    assert math.isclose(lr_multiplier(ALL[0], 5, None), 0.5)
