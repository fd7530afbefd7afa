import json
from dataclasses import replace

import numpy as np
import pytest

from mtcli.config.schema.data import DataConfig, TableSource, TextSource
from mtcli.data import sources
from mtcli.data.holdout import choose_held_out, hold_out, read_training, read_validation
from mtcli.errors import DataError
from tests.reference import held_out_indices


def numbered(num_pairs):
    return ((f"en{i}", f"de{i}") for i in range(num_pairs))


@pytest.fixture
def configs(tmp_path):
    """A config without validation sources, and one with them."""
    for side in ("en", "de"):
        lines = "".join(f"{side}{i}\n" if i else "\n" for i in range(200))
        (tmp_path / f"train.{side}").write_text(lines)
        (tmp_path / f"valid.{side}").write_text(f"{side}\n\n")
    train, valid = (
        [TextSource(src=tmp_path / f"{name}.en", tgt=tmp_path / f"{name}.de")]
        for name in ("train", "valid")
    )
    return DataConfig(train=train, valid=None), DataConfig(train=train, valid=valid)


@pytest.fixture
def num_reads(monkeypatch):
    """How often a source was read so far, as the length of a list."""
    reads = []
    real = sources._read_source
    monkeypatch.setattr(
        sources, "_read_source", lambda source: (reads.append(source), real(source))[1]
    )
    return reads


@pytest.mark.parametrize(
    ("num_pairs", "size"),
    [(2, 1), (49, 1), (50, 1), (100, 2), (29_000, 580), (50_000, 1000), (60_000, 1000)],
)
def test_it_is_two_percent_up_to_a_thousand(num_pairs, size):
    held_out = choose_held_out(numbered(num_pairs), seed=1)
    assert len(held_out.indices) == len(held_out.pairs) == size
    assert (np.diff(held_out.indices) > 0).all()
    assert held_out.pairs == [(f"en{i}", f"de{i}") for i in held_out.indices]
    assert held_out.indices.tolist() == held_out_indices(num_pairs, 1)


def test_it_follows_the_seed_alone():
    first, again, other = (choose_held_out(numbered(5000), seed).pairs for seed in (1, 1, 2))
    assert first == again != other


def test_it_comes_from_everywhere():
    quarters = np.bincount(choose_held_out(numbered(40_000), 3).indices // 10_000, minlength=4)
    assert quarters.min() > 150  # of 200 expected


def test_nothing_left_to_train_on_is_one_sentence():
    with pytest.raises(DataError) as caught:
        choose_held_out([("a", "b")], 1)
    assert str(caught.value) == (
        "the corpus has 1 sentence pair, too few to hold one out for validation\n"
        "hint: set `data.valid` to validation files, or train on more pairs"
    )


def test_held_out_and_training_pairs_make_up_the_corpus(configs, tmp_path):
    config, _ = configs
    held_out = hold_out(config, 1, tmp_path / "cache")
    train = list(read_training(config, held_out.indices))
    valid = read_validation(config, held_out)
    assert len(train) == 196
    assert valid == [(f"en{i}", f"de{i}") if i else ("", "") for i in held_out.indices]
    assert sorted(train + valid) == sorted(
        [("", ""), *((f"en{i}", f"de{i}") for i in range(1, 200))]
    )


def test_validation_sources_are_read_whole_and_nothing_is_held_out(configs, tmp_path):
    _, config = configs
    held_out = hold_out(config, 1, tmp_path / "cache")
    assert held_out.indices.tolist() == held_out.pairs == []
    assert len(list(read_training(config, held_out.indices))) == 200
    assert read_validation(config, held_out) == [("en", "de"), ("", "")]
    assert not (tmp_path / "cache").exists()


def test_the_corpus_is_read_once_and_then_not_again(configs, tmp_path, num_reads):
    config, _ = configs
    first = hold_out(config, 1, tmp_path / "cache")
    assert len(num_reads) == 1
    for _ in range(3):
        again = hold_out(config, 1, tmp_path / "cache")
        assert again.indices.tolist() == first.indices.tolist()
        assert again.indices.dtype == first.indices.dtype
        assert read_validation(config, again) == first.pairs
    assert len(num_reads) == 1


def test_another_seed_or_corpus_is_chosen_from_again(configs, tmp_path, num_reads):
    config, _ = configs
    first = hold_out(config, 1, tmp_path / "cache")
    assert hold_out(config, 2, tmp_path / "cache").pairs != first.pairs
    (tmp_path / "train.de").write_text("neu\n" * 200)
    changed = hold_out(config, 1, tmp_path / "cache")
    assert changed.indices.tolist() == first.indices.tolist()
    assert {tgt for _, tgt in changed.pairs} == {"neu"}
    assert len(num_reads) == 3


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"indices": [1], "pairs": []}', '{"pairs": 3}'])
def test_a_damaged_cache_is_read_again(configs, tmp_path, num_reads, damage):
    config, _ = configs
    first = hold_out(config, 1, tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("holdout_*.json")
    content = json.loads(path.read_text())
    path.write_text(damage)
    assert hold_out(config, 1, tmp_path / "cache").pairs == first.pairs
    assert json.loads(path.read_text()) == content
    assert len(num_reads) == 2


def test_a_cache_that_cannot_be_written_costs_only_another_reading(configs, tmp_path):
    config, _ = configs
    (tmp_path / "cache").write_text("in the way")
    assert len(hold_out(config, 1, tmp_path / "cache").pairs) == 4


def test_any_text_comes_back_from_the_cache(configs, tmp_path):
    path = tmp_path / "a.jsonl"
    texts = ["a\u2028b", '"\\', "\0", "é"]
    path.write_text("".join(json.dumps({"src": text, "tgt": text}) + "\n" for text in texts * 60))
    source = TableSource(kind="jsonl", path=path, src_field="src", tgt_field="tgt")
    config = replace(configs[0], train=[source])
    first = hold_out(config, 1, tmp_path / "cache")
    assert hold_out(config, 1, tmp_path / "cache").pairs == first.pairs
