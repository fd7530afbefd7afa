import json
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.config.schema.data import DataConfig, JsonLinesSource, TextSource
from mtcli.data import sources
from mtcli.data.held_out_choice import choose_by_number, choose_held_out
from mtcli.data.holdout import hold_out, read_training, read_validation
from mtcli.data.same_text import same_text
from mtcli.errors import DataError
from tests.reference import held_out_by_content, held_out_by_number


def numbered(num_pairs):
    return [(f"en{i}", f"de{i}") for i in range(num_pairs)]


def choose(pairs, seed=1):
    return choose_held_out(lambda: iter(pairs), seed)


def left(pairs, held_out):
    """The pairs that are trained on."""
    excluded = set(held_out.indices.tolist())
    return [pair for i, pair in enumerate(pairs) if i not in excluded]


def leaks(pairs, held_out):
    """The training pairs that share a side with a held-out pair."""
    texts = [{same_text(pair[side]) for pair in held_out.pairs} for side in (0, 1)]
    return [
        pair
        for pair in left(pairs, held_out)
        if same_text(pair[0]) in texts[0] or same_text(pair[1]) in texts[1]
    ]


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
        sources, "_read_source", lambda *args: (reads.append(args[0]), real(*args))[1]
    )
    return reads


@pytest.mark.parametrize(
    ("num_pairs", "size"),
    [(2, 1), (49, 1), (50, 1), (100, 2), (29_000, 580), (50_000, 1000), (60_000, 1000)],
)
def test_it_is_two_percent_up_to_a_thousand(num_pairs, size):
    held_out = choose(numbered(num_pairs))
    assert len(held_out.indices) == len(held_out.pairs) == size
    assert (np.diff(held_out.indices) > 0).all()
    assert held_out.pairs == [(f"en{i}", f"de{i}") for i in held_out.indices]
    assert (held_out.num_same, held_out.example, held_out.sides) == (0, None, (0, 1))


def test_it_follows_the_seed_alone():
    first, again, other = (choose(numbered(5000), seed).pairs for seed in (1, 1, 2))
    assert first == again != other


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefghijklmn"), st.sampled_from("opqrstuvwxyz")),
        min_size=60,
        max_size=300,
    ),
    st.integers(0, 3),
)
def test_it_is_what_the_slow_way_gives(letters, seed):
    pairs = numbered(200) + [(src * 3, tgt * 2) for src, tgt in letters]
    held_out = choose(pairs, seed)
    expected, leaving = held_out_by_content(pairs, seed)
    assert held_out.pairs == expected
    assert held_out.indices.tolist() == leaving
    assert not leaks(pairs, held_out)


VARIANTS = {
    "doubled": lambda src, tgt: (src, tgt),
    "one source, other targets": lambda src, tgt: (src, f"{tgt} also"),
    "one target, other sources": lambda src, tgt: (f"{src} too", tgt),
    "case": lambda src, tgt: (src.upper(), f"{tgt} also"),
    "white space": lambda src, tgt: (f"{src} too", f"\u00a0 {tgt}\t".replace("t ", "t  ")),
    "width": lambda src, tgt: (src.replace("text", "ｔｅｘｔ"), f"{tgt} also"),
    "composition": lambda src, tgt: (src.replace("é", "e\u0301"), f"{tgt} also"),
    "invisible characters": lambda src, tgt: (src.replace("x", "x\u00ad\u200b"), f"{tgt} also"),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("order", ["after one another", "alternating"])
def test_no_pair_is_trained_on_that_shares_a_side_with_a_held_out_one(variant, order):
    once = [(f"Texté {i}", f"Zielt ext {i}") for i in range(500)]
    other = [variant(*pair) for pair in once]
    pairs = (
        once + other
        if order == "after one another"
        else list(chain(*zip(once, other, strict=True)))
    )
    held_out = choose(pairs)
    assert len(held_out.pairs) == 20
    assert len(held_out.indices) == 40
    assert len(left(pairs, held_out)) == 960
    assert held_out.num_same == 20
    assert held_out.example in pairs
    assert held_out.example not in held_out.pairs or variant is VARIANTS["doubled"]
    assert not leaks(pairs, held_out)


def test_a_repetition_as_weight_changes_nothing():
    pairs = numbered(300)
    repeated = pairs + pairs[:100] * 9
    held_out = choose(repeated)
    assert len(set(held_out.pairs)) == len(held_out.pairs)
    assert not leaks(repeated, held_out)


def test_frequent_texts_stay_in_training():
    frequent = [(f"oui {i}", "yes") for i in range(300)] + [
        ("bonjour", f"hi {i}") for i in range(9)
    ]
    held_out = choose(numbered(1000) + frequent)
    assert len(held_out.pairs) == 26
    assert not {"yes", "bonjour"}.intersection(chain(*held_out.pairs))


def test_few_labels_as_targets_are_held_out_by_source():
    pairs = [(f"text {i}", ("good", "bad")[i % 2]) for i in range(500)]
    for changed, sides in ((pairs, (0,)), ([pair[::-1] for pair in pairs], (1,))):
        held_out = choose(changed * 2)
        assert (len(held_out.pairs), len(held_out.indices)) == (20, 40)
        assert held_out.sides == sides
    assert choose([("a", "b"), ("A", "c")]).sides == (1,)


def test_blank_pairs_are_no_validation_and_do_not_leave():
    pairs = [("", f"de{i}") for i in range(50)] + [(f"en{i}", " ") for i in range(50)]
    held_out = choose(pairs + numbered(100))
    assert all(src.strip() and tgt.strip() for src, tgt in held_out.pairs)
    assert len(held_out.pairs) == 4


def test_a_text_of_very_many_pairs_is_not_held_out_and_takes_no_memory():
    pairs = [("same", f"de{i}") for i in range(30_000)] + numbered(10)
    assert len(choose(pairs).pairs) == 600
    assert choose(pairs).sides == (1,)


def test_few_pairs_that_are_frequent_give_one():
    pairs = numbered(3) * 20
    held_out = choose(pairs)
    assert (len(held_out.pairs), len(held_out.indices)) == (1, 20)
    assert not leaks(pairs, held_out)


def test_the_rule_of_an_old_run_chooses_by_number():
    for num_pairs, seed in ((2, 1), (100, 2), (60_000, 1)):
        held_out = choose_by_number(iter(numbered(num_pairs)), seed)
        assert held_out.indices.tolist() == held_out_by_number(num_pairs, seed)
        assert held_out.pairs == [(f"en{i}", f"de{i}") for i in held_out.indices]


def test_it_comes_from_everywhere():
    quarters = np.bincount(choose(numbered(40_000), 3).indices // 10_000, minlength=4)
    assert quarters.min() > 150  # of 200 expected


def test_nothing_left_to_train_on_is_one_sentence():
    for chooser in (choose, lambda pairs: choose_by_number(pairs, 1)):
        with pytest.raises(DataError) as caught:
            chooser([("a", "b")])
        assert str(caught.value) == (
            "the corpus has 1 sentence pair, too few to hold one out for validation\n"
            "hint: set `data.valid` to validation files, or train on more pairs"
        )
    for pairs in ([("a", "b")] * 40, [("a", "b")] * 2000, [("", "")] * 9):
        with pytest.raises(DataError) as caught:
            choose(pairs)
        assert str(caught.value) == (
            "no sentence pair can be held out for validation: too few of the"
            f" {len(pairs)} pairs of the corpus have different sources and targets\n"
            "hint: set `data.valid` to validation files"
        )


def test_held_out_and_training_pairs_make_up_the_corpus(configs, tmp_path):
    config, _ = configs
    held_out = hold_out(config, 1, tmp_path / "cache")
    train = list(read_training(config, held_out.indices))
    valid = read_validation(config, held_out)
    assert len(train) == 196
    assert valid == [(f"en{i}", f"de{i}") for i in held_out.indices]
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


def test_the_corpus_is_read_twice_and_then_not_again(configs, tmp_path, num_reads):
    config, _ = configs
    first = hold_out(config, 1, tmp_path / "cache")
    assert len(num_reads) == 2
    for _ in range(3):
        again = hold_out(config, 1, tmp_path / "cache")
        assert again.indices.tolist() == first.indices.tolist()
        assert again.indices.dtype == first.indices.dtype
        assert read_validation(config, again) == first.pairs
    assert len(num_reads) == 2


def test_another_seed_or_corpus_is_chosen_from_again(configs, tmp_path, num_reads):
    config, _ = configs
    first = hold_out(config, 1, tmp_path / "cache")
    assert hold_out(config, 2, tmp_path / "cache").pairs != first.pairs
    (tmp_path / "train.de").write_text("".join(f"neu{i}\n" for i in range(200)))
    changed = hold_out(config, 1, tmp_path / "cache")
    assert {tgt[:3] for _, tgt in changed.pairs} == {"neu"}
    assert len(num_reads) == 6
    old = hold_out(config, 1, tmp_path / "cache", "number")
    assert old.indices.tolist() == held_out_by_number(200, 1)
    again = hold_out(config, 1, tmp_path / "cache", "number")
    assert again.indices.tolist() == old.indices.tolist()
    assert again.pairs == old.pairs
    assert len(num_reads) == 7


def test_what_leaves_training_comes_back_from_the_cache(configs, tmp_path):
    config, _ = configs
    config = replace(config, train=config.train * 2)
    first, again = (hold_out(config, 1, tmp_path / "cache") for _ in range(2))
    assert first.example is not None
    assert first.num_same == len(first.pairs) == 8
    assert (again.example, again.num_same, again.sides) == (first.example, 8, (0, 1))
    assert len(list(read_training(config, again.indices))) == 384


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"indices": [1], "pairs": []}', '{"pairs": 3}'])
def test_a_damaged_cache_is_read_again(configs, tmp_path, num_reads, damage):
    config, _ = configs
    first = hold_out(config, 1, tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("holdout_*.json")
    content = json.loads(path.read_text())
    path.write_text(damage)
    assert hold_out(config, 1, tmp_path / "cache").pairs == first.pairs
    assert json.loads(path.read_text()) == content
    assert len(num_reads) == 4


def test_one_changed_byte_of_the_cache_holds_no_other_pairs_out(configs, tmp_path, num_reads):
    """Another index in it trained on other pairs, in silence."""
    config, _ = configs
    cache = tmp_path / "cache"
    first = hold_out(config, 1, cache)
    (path,) = cache.glob("holdout_*.json")
    written = path.read_bytes()
    for place in range(0, len(written), len(written) // 40):
        byte = written[place]
        other = ord("7") if byte in b"012345689" else byte ^ 1
        path.write_bytes(written[:place] + bytes([other]) + written[place + 1 :])
        again = hold_out(config, 1, cache)
        assert again.pairs == first.pairs
        assert again.indices.tolist() == first.indices.tolist()


def test_a_cache_of_an_earlier_mtcli_is_read(configs, tmp_path, num_reads):
    config, _ = configs
    first = hold_out(config, 1, tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("holdout_*.json")
    content = json.loads(path.read_text())
    del content["sha256"]
    path.write_text(json.dumps(content))
    assert hold_out(config, 1, tmp_path / "cache").pairs == first.pairs
    assert len(num_reads) == 2


def test_a_cache_that_cannot_be_written_costs_only_another_reading(configs, tmp_path):
    config, _ = configs
    (tmp_path / "cache").write_text("in the way")
    assert len(hold_out(config, 1, tmp_path / "cache").pairs) == 4


def test_any_text_comes_back_from_the_cache(configs, tmp_path):
    path = tmp_path / "a.jsonl"
    texts = ["a\u2028b", '"\\', "\0", "é"]
    texts = [f"{text}{i}" for text in texts for i in range(60)]
    path.write_text("".join(json.dumps({"src": text, "tgt": text}) + "\n" for text in texts))
    source = JsonLinesSource(kind="jsonl", path=path, src_field="src", tgt_field="tgt")
    config = replace(configs[0], train=[source])
    first = hold_out(config, 1, tmp_path / "cache")
    assert hold_out(config, 1, tmp_path / "cache").pairs == first.pairs
