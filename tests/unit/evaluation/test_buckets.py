"""Which sentences are in which bucket."""

import random

import pytest

from mtcli.evaluation.buckets import count_words, make_buckets

SOURCES = [
    "Peter sees Rain",
    "the rain falls",
    "Rain falls 12 times",
    "iPhones fall",
    "the NATO of B52",
    "",
    "123 ... ½",
]
REFERENCES = [text[: len(text) // 2] for text in SOURCES]
TRAINING = ["The rain, the RAIN!", *["falls"] * 10, *["times of"] * 100, *["peter"] * 1000]


def lines_of(name, counts=None, sources=SOURCES, references=REFERENCES):
    (found,) = [each for each in make_buckets(sources, references, counts) if each.name == name]
    return {bucket.label: list(bucket.lines) for bucket in found.buckets}


def test_numbers_of_any_script_and_capitals_after_the_first_letter():
    assert lines_of("numbers") == {"with": [2, 4, 6], "without": [0, 1, 3, 5]}
    assert lines_of("names and capitals") == {"with": [0, 3, 4], "without": [1, 2, 5, 6]}
    assert lines_of("numbers", sources=["٣ dogs"], references=["x"]) == {"with": [0]}


def test_words_are_counted_whatever_their_case_and_only_those_of_the_sources():
    counts = count_words(SOURCES, TRAINING)
    assert counts == {
        "peter": 1000, "sees": 0, "rain": 2, "the": 2, "falls": 10, "times": 100, "iphones": 0,
        "fall": 0, "nato": 0, "of": 100,
    }  # fmt: skip


def test_rare_and_unseen_words():
    counts = count_words(SOURCES, TRAINING)
    # neither a number nor an unseen word says how rare the words are that were seen
    assert lines_of("rarest word", counts) == {"seen 1 to 9 times": [0, 1, 2, 4]}
    assert lines_of("word forms", counts) == {
        "all seen in training": [1, 2],
        "some unseen in training": [0, 3, 4],
    }
    others = ["falls", "of", "Peter of", "Peter"]
    assert lines_of("rarest word", counts, others, others) == {
        "10 to 99 times": [0],
        "100 to 999 times": [1, 2],
        "1,000 times and more": [3],
    }


def test_without_a_training_text_words_are_not_looked_at():
    names = [each.name for each in make_buckets(SOURCES, REFERENCES, None)]
    assert names == [
        "source length", "numbers", "names and capitals", "length of reference / source"
    ]  # fmt: skip


def test_ranges_have_about_as_many_sentences_each():
    sources = [" ".join(["w"] * (number + 1)) for number in range(40)]
    random.Random(1).shuffle(sources)
    found = lines_of("source length", sources=sources, references=sources)
    assert list(found) == ["1 to 10 words", "11 to 20 words", "21 to 30 words", "31 to 40 words"]
    assert [len(lines) for lines in found.values()] == [10, 10, 10, 10]
    assert lines_of("length of reference / source", sources=sources, references=sources) == {
        "1.00": list(range(40))
    }


def test_blank_sources_have_no_ratio():
    found = lines_of("length of reference / source")
    assert sorted(line for lines in found.values() for line in lines) == [0, 1, 2, 3, 4, 6]


@pytest.mark.parametrize("seed", range(5))
def test_buckets_are_disjoint_and_not_empty(seed):
    generator = random.Random(seed)
    sources = [
        " ".join(generator.choices(["a", "Bo", "7", "zz", "", "日本"], k=generator.randint(0, 9)))
        for _ in range(50)
    ]
    counts = count_words(sources, generator.choices(sources, k=30))
    for each in make_buckets(sources, sources[::-1], counts):
        lines = [line for bucket in each.buckets for line in bucket.lines]
        assert len(lines) == len(set(lines))
        assert all(bucket.lines for bucket in each.buckets)
        assert len({bucket.label for bucket in each.buckets}) == len(each.buckets)
        if each.name in ("source length", "numbers", "names and capitals"):
            assert sorted(lines) == list(range(50))
