"""What the loop gives to each update."""

from types import SimpleNamespace

import pytest
import torch

from mtcli.config.schema.regularization import Chance, RegularizationConfig, Strength
from mtcli.config.schema.root import TrainingConfig
from mtcli.training.loop import pass_settings, seed_update


@pytest.mark.parametrize(
    ("epochs", "alpha", "chance"),
    [
        (0.0, 1.0, 0.0),
        (0.5, 2.0, 0.0),
        (1.0, 3.0, 0.0),
        (2.0, 5.0, 0.1),
        (3.0, 5.0, 0.2),
        (9.0, 5.0, 0.2),
    ],
)
def test_rdrop_and_layer_dropout_follow_their_schedules(epochs, alpha, chance):
    regularization = RegularizationConfig(
        rdrop=Strength(value=5.0, start=1.0, to_epoch=2),
        layer_dropout=Chance(value=0.2, start=0.0, from_epoch=1, to_epoch=3),
    )
    config = SimpleNamespace(regularization=regularization, training=TrainingConfig())
    settings = pass_settings(config, epochs)
    assert settings.rdrop_alpha == pytest.approx(alpha)
    assert settings.layer_dropout == pytest.approx(chance)


def test_dropout_is_another_one_for_each_seed_step_and_rank_and_the_same_for_the_same():
    def drawn(seed, step, rank):
        seed_update(seed, step, rank)
        return tuple(torch.rand(4).tolist())

    keys = [(seed, step, rank) for seed in (1, 2) for step in (1, 2, 3) for rank in (0, 1, 2)]
    first = {key: drawn(*key) for key in keys}
    assert len(set(first.values())) == len(keys)
    assert {key: drawn(*key) for key in reversed(keys)} == first
