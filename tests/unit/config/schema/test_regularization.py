"""Schedules of regularisation, and what a config of it refuses."""

import pytest

from mtcli.config.compare import identity_differences
from mtcli.config.schema.regularization import Chance, Share, Strength, amount_at, is_ever_on


def test_a_constant_is_constant():
    assert [amount_at(Chance(value=0.3), epochs) for epochs in (0, 0.5, 9)] == [0.3] * 3


def test_a_ramp_is_a_straight_line_between_two_moments():
    ramp = Strength(value=5.0, start=1.0, from_epoch=1, to_epoch=3)
    got = [amount_at(ramp, epochs) for epochs in (0, 1, 1.5, 2, 3, 8)]
    assert got == [1.0, 1.0, 2.0, 3.0, 5.0, 5.0]


def test_a_ramp_may_fall_and_may_be_a_step():
    falling = Share(value=0.0, start=1.0, to_epoch=4)
    assert [amount_at(falling, epochs) for epochs in (0, 1, 4)] == [1.0, 0.75, 0.0]
    step = Chance(value=0.2, start=0.0, from_epoch=2, to_epoch=2)
    assert [amount_at(step, epochs) for epochs in (1.99, 2)] == [0.0, 0.2]


def test_what_is_ever_on():
    assert not is_ever_on(Chance())
    assert is_ever_on(Chance(value=0.1))
    assert is_ever_on(Chance(start=0.1, to_epoch=1))


def test_mistakes(problems, smallest):
    text = (
        smallest
        + "regularization:\n  rdrop: 5\n  typo_noise: {value: 1.0}\n"
        + "  case_noise: {value: 0.1, start: 0, from_epoch: 3, to_epoch: 2}\n"
    )
    assert problems(text) == [
        "line 9 regularization.rdrop found 5, must be a section",
        "line 10 regularization.typo_noise.value found 1.0, must be a number, at least 0 and"
        " below 1",
        "line 11 regularization.case_noise.to_epoch to_epoch (2) must be at least from_epoch (3)",
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "{value: 0.1, start: 0}",
            "regularization.case_noise.start to_epoch (0) must be above 0, with start",
        ),
        (
            "{value: 0.1, to_epoch: 3}",
            "regularization.case_noise.to_epoch to_epoch needs `start`, the amount until"
            " `from_epoch`",
        ),
        (
            "{value: 0.1, from_epoch: 3}",
            "regularization.case_noise.from_epoch from_epoch needs `start`, the amount"
            " until `from_epoch`",
        ),
    ],
)
def test_half_a_line_is_refused(problems, smallest, line, sentence):
    (problem,) = problems(f"{smallest}regularization:\n  case_noise: {line}\n")
    assert problem.endswith(sentence)


def test_rdrop_without_dropout_is_refused(problems, load, smallest):
    text = smallest + "model:\n  dropout: 0\nregularization:\n  rdrop: {value: 5}\n"
    (problem,) = problems(text)
    assert "compares two passes with different dropout; set model.dropout above 0" in problem
    assert load(text, "model.attention_dropout=0.1").regularization.rdrop.value == 5


@pytest.mark.parametrize(
    ("override", "keys"),
    [
        ("regularization.typo_noise.value=0.1", ["regularization.typo_noise.value"]),
        ("regularization.rdrop.value=5", []),
        ("regularization.layer_dropout.value=0.1", []),
    ],
)
def test_what_changes_the_data_is_identity_the_rest_is_free(load, smallest, override, keys):
    assert identity_differences(load(smallest), load(smallest, override)) == keys
