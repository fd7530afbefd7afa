import random
from collections import Counter

import pytest

from mtcli.data import statistics
from mtcli.data.statistics import corpus_statistics, script_of


def test_each_kind_of_pair_is_counted_once():
    counted = corpus_statistics(
        [
            ("A dog runs.", "Ein Hund rennt."),
            (" A dog runs.\t", "Ein Hund rennt.\n"),  # doubled, whatever is around it
            ("A dog runs.", "Ein Hund läuft."),  # another translation is another pair
            ("same", "same"),
            ("", "blank"),
            ("blank", " \t"),
            ("", ""),
        ]
    )
    assert counted.num_pairs == 7
    assert counted.num_blank == 3
    assert counted.num_identical == 1
    assert counted.num_doubled == 1
    assert [number for number, _, _ in counted.sample] == [0, 1, 2, 3]
    assert counted.src.num_chars == 3 * len("A dog runs.") + 4
    assert counted.src.length_counts == {4: 1, 11: 3}
    assert counted.src.num_words == 10
    assert counted.src.num_word_types == 4
    assert counted.tgt.longest == 15
    assert counted.tgt.mean_length == (15 * 3 + 4) / 4
    assert [counted.tgt.length_at(share) for share in (0.0, 0.25, 0.26, 1.0)] == [4, 4, 15, 15]


def test_an_empty_corpus_has_zeros():
    counted = corpus_statistics([])
    assert counted.num_pairs == counted.num_doubled == counted.src.longest == 0
    assert counted.src.mean_length == counted.src.length_at(0.5) == 0


@pytest.mark.parametrize(
    ("char", "script"),
    [
        ("a", "Latin"), ("ß", "Latin"), ("Ａ", "Latin"), ("ﬁ", "Latin"), ("ж", "Cyrillic"),
        ("语", "Han"), ("ぁ", "Hiragana"), ("ｱ", "Katakana"), ("한", "Hangul"), ("ن", "Arabic"),
        ("ก", "Thai"), ("अ", "Devanagari"), ("ა", "Georgian"),
        ("1", None), ("²", None), (".", None), (" ", None), ("😀", None), ("\ue000", None),
    ],
)  # fmt: skip
def test_scripts_of_letters(char, script):
    assert script_of(char) == script


def test_shares_of_scripts_are_of_letters_alone():
    counted = corpus_statistics([("abc 123 ...", "аб c")])
    assert counted.src.scripts == {"Latin": 1.0}
    assert counted.tgt.scripts == {"Cyrillic": 2 / 3, "Latin": 1 / 3}
    assert list(counted.tgt.scripts) == ["Cyrillic", "Latin"]


def test_a_large_corpus_is_sampled_evenly_and_alike_each_time():
    pairs = [(f"s{number}", f"t{number}") for number in range(2000)]
    num_drawn = Counter()
    samples = set()
    for start in range(0, 500, 50):
        # every rotation of the stream is another stream to the sampler
        stream = pairs[start:] + pairs[:start]
        counted = corpus_statistics(stream, sample_size=100)
        assert len(counted.sample) == 100
        assert all(stream[number] == (src, tgt) for number, src, tgt in counted.sample)
        assert counted.src.num_words == 100
        num_drawn.update(number // 200 for number, _, _ in counted.sample)
        samples.add(tuple(number for number, _, _ in counted.sample))
    assert len(samples) == 1  # the seed is fixed
    assert min(num_drawn.values()) > 0


def test_skipping_draws_every_item_with_the_same_probability():
    num_drawn = Counter()
    for seed in range(2000):
        sample = statistics._EvenSample(4)
        sample._generator.seed(seed)
        for number in range(20):
            sample.offer((number, "", ""))
        num_drawn.update(number for number, _, _ in sample.items)
    # 400 each are expected, with a standard deviation of 18
    assert len(num_drawn) == 20
    assert max(abs(count - 400) for count in num_drawn.values()) < 80


def test_doubled_pairs_of_a_corpus_beyond_memory_are_estimated(monkeypatch):
    monkeypatch.setattr(statistics, "_MOST_DIGESTS", 500)
    distinct = [(f"s{number}", f"t{number}") for number in range(4000)]
    assert corpus_statistics(distinct).num_doubled == 0
    doubled = distinct + distinct[:2000]
    random.Random(0).shuffle(doubled)
    assert corpus_statistics(doubled).num_doubled == pytest.approx(2000, rel=0.2)
    assert corpus_statistics(doubled) == corpus_statistics(doubled)
