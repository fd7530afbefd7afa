import numpy as np
import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.holdout import choose_holdout, holdout_of, read_training, read_validation
from mtcli.errors import DataError


@pytest.fixture
def config(tmp_path):
    for side in ("en", "de"):
        lines = "".join(f"{side}{i}\n" if i else "\n" for i in range(200))
        (tmp_path / f"train.{side}").write_text(lines)
        (tmp_path / f"valid.{side}").write_text(f"{side}\n\n")
    train, valid = (
        [TextSource(src=tmp_path / f"{name}.en", tgt=tmp_path / f"{name}.de")]
        for name in ("train", "valid")
    )
    return DataConfig(train=train, valid=None), DataConfig(train=train, valid=valid)


@pytest.mark.parametrize(
    ("num_pairs", "size"),
    [(2, 1), (49, 1), (50, 1), (100, 2), (29_000, 580), (50_000, 1000), (200_000, 1000)],
)
def test_it_is_two_percent_up_to_a_thousand(num_pairs, size):
    chosen = choose_holdout(num_pairs, seed=1)
    assert len(chosen) == size
    assert (np.diff(chosen) > 0).all()
    assert 0 <= chosen[0] <= chosen[-1] < num_pairs


def test_it_follows_the_seed_alone():
    assert choose_holdout(10_000, 1).tolist() == choose_holdout(10_000, 1).tolist()
    assert choose_holdout(10_000, 1).tolist() != choose_holdout(10_000, 2).tolist()


def test_it_comes_from_everywhere():
    quarters = np.bincount(choose_holdout(40_000, 3) // 10_000, minlength=4)
    assert quarters.min() > 150  # of 200 expected


def test_nothing_left_to_train_on_is_one_sentence():
    with pytest.raises(DataError) as caught:
        choose_holdout(1, 1)
    assert str(caught.value) == (
        "the corpus has 1 sentence pair, too few to hold one out for validation: give data.valid"
    )


def test_held_out_and_training_pairs_make_up_the_corpus(config):
    config, _ = config
    holdout = holdout_of(config, seed=1)
    train, valid = list(read_training(config, holdout)), read_validation(config, holdout)
    assert len(train) == 196
    assert valid == [(f"en{i}", f"de{i}") if i else ("", "") for i in holdout]
    assert sorted(train + valid) == sorted(
        [("", ""), *((f"en{i}", f"de{i}") for i in range(1, 200))]
    )


def test_validation_sources_are_read_whole_and_nothing_is_held_out(config):
    _, config = config
    holdout = holdout_of(config, seed=1)
    assert holdout.tolist() == []
    assert len(list(read_training(config, holdout))) == 200
    assert read_validation(config, holdout) == [("en", "de"), ("", "")]
