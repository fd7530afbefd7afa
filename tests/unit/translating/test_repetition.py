from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.translating.options import TranslateOptions
from mtcli.translating.repetition import (
    FEWEST_TIMES,
    LONGEST_UNIT,
    is_repeated,
    most_times,
    rescored,
    second_options,
)


def pieces(text):
    """Words, and signs and digits one by one, as ids: their places in a list that grows."""
    words = "".join(c if c.isalpha() else f" {c} " for c in text).split()
    return [VOCABULARY.setdefault(word, len(VOCABULARY)) for word in words]


VOCABULARY: dict[str, int] = {}


def text_of(ids):
    names = list(VOCABULARY)
    return " ".join(names[i] for i in ids)


def repeats(source, translation):
    return is_repeated(pieces(source), pieces(translation), text_of, text_of)


@pytest.mark.parametrize(
    "translation",
    [
        "ein Hund ein Hund ein Hund ein Hund",
        "der Hund läuft läuft läuft läuft weg",
        "ein Mann in einem Hemd und ein Mann in einem Hemd und ein Mann in einem Hemd und"
        " ein Mann in einem Hemd und",
        "ja , ja , ja , ja , ja",
        "." * 16,
        "der Hund 1 2 läuft " + "- " * 20,
    ],
)
def test_loops(translation):
    assert repeats("the dog runs away .", translation)


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("a very, very, very good dog", "ein sehr , sehr , sehr guter Hund"),
        ("no no no no no", "nein nein nein nein nein"),
        ("no no no no no", "nein nein nein nein nein nein nein"),
        ("Ha ha ha ha! he said .", "Ha ha ha ha! sagte er ."),
        ("hahahahahaha", "ha ha ha ha ha ha"),
        ("a trillion", "1,000,000,000,000"),
        ("a million billion", "1 000 000 000 000 000"),
        ("1 , 1 , 1 , 1 , 1 , 2", "1 , 1 , 1 , 1 , 1 , 2"),
        ("0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        ("A B A B A B A B A B", "A B A B A B A B A B"),
        ("chapter one ........................ 7", "Kapitel eins ........................ 7"),
        ("one two three", "the dog and the cat and the cow and the hen and the rat"),
        ("", ""),
    ],
)
def test_good_text(source, translation):
    assert not repeats(source, translation)


def test_more_than_the_source_is_too_much():
    assert repeats("no no no no", "nein " * 7)
    assert not repeats("no no no no", "nein " * 6)


@given(
    st.lists(st.integers(0, 2), max_size=4),
    st.lists(st.integers(0, 3), min_size=1, max_size=20),
    st.integers(1, 30),
    st.lists(st.integers(0, 2), max_size=4),
)
def test_a_copy_of_the_source_never_repeats_itself(before, unit, times, after):
    ids = [*before, *(times * unit), *after]
    assert not is_repeated(ids, ids, lambda ids: "x", lambda ids: "x")


def slow_most_times(items, longest_unit):
    most = min(1, len(items))
    for size in range(1, min(longest_unit, len(items) // 2) + 1):
        for start in range(len(items)):
            length = 0
            unit = items[start : start + size]
            while start + length < len(items) and items[start + length] == unit[length % len(unit)]:
                length += 1
            if length > size:
                most = max(most, -(-length // size))
    return most


@given(st.text("ab", max_size=14), st.sampled_from([1, 3, LONGEST_UNIT]))
def test_most_times_is_the_obvious_count(text, longest_unit):
    assert most_times(text, longest_unit) == slow_most_times(text, longest_unit)


def options(**generation):
    return TranslateOptions.of_model(DecodingConfig(**generation))


def test_second_options():
    first = options(beam_size=5, batch_size=64, normalization="gnmt", length_penalty=0.6)
    second = second_options(first)
    assert (second.search.beam_size, second.batch_size) == (10, 32)
    assert (second.search.normalization, second.search.length_penalty) == ("average", 0.2)
    assert second.search.max_length == first.search.max_length
    nearly = second_options(options(length_penalty=0.2)).search
    assert (nearly.normalization, nearly.length_penalty) == ("average", 1.0)
    narrow = second_options(options(beam_size=2, batch_size=1, normalization="none"))
    assert (narrow.search.beam_size, narrow.batch_size) == (4, 1)
    assert (narrow.search.normalization, narrow.search.no_repeat_ngram) == ("average", 0)


@pytest.mark.parametrize("size", [1, 2, 5, LONGEST_UNIT])
def test_greedy_search_is_tried_again_with_a_block_that_no_repetition_passes(size):
    first = options(beam_size=1)
    second = second_options(first)
    n = second.search.no_repeat_ngram
    assert second == replace(first, search=replace(first.search, no_repeat_ngram=n))
    loop = list(range(size)) * FEWEST_TIMES
    ngrams = [tuple(loop[i : i + n]) for i in range(len(loop) - n + 1)]
    assert len(set(ngrams)) < len(ngrams)


@pytest.mark.parametrize(
    ("normalization", "score"), [("average", -6 / 3**0.5), ("gnmt", -6 / (8 / 6) ** 0.5)]
)
def test_scores_are_those_of_the_first_settings(normalization, score):
    search = SearchOptions(beam_size=1, normalization=normalization, length_penalty=0.5)
    (found,) = rescored([Hypothesis((7, 8), True, -6.0, -6.0)], search)
    assert found.score == pytest.approx(score)
    (cut,) = rescored([Hypothesis((7, 8, 9), False, -6.0, -6.0)], search)
    assert cut.score == pytest.approx(score)
