import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.translating.parts import join_parts, split_text


def count_words(texts):
    return [len(text.split()) for text in texts]


def count_bytes(texts):
    return [len(text.encode("utf-8", "replace")) for text in texts]


def count_unevenly(texts):
    """More pieces than the sum of the segments' own, as a tokenizer may have."""
    return [len(text.replace(" ", "")) + len(text) // 7 for text in texts]


COUNTS = [count_words, count_bytes, count_unevenly]

TEXTS = st.text(
    st.one_of(
        st.sampled_from(" .,;!?\"')]»”。！？、，」\u0301\u200d\u00a0\u2028\tab"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=120,
)


def squeezed(text):
    return "".join(text.split())


@pytest.mark.parametrize("count", COUNTS)
@settings(max_examples=150)
@given(text=TEXTS, limit=st.integers(1, 20))
def test_nothing_is_lost_and_every_part_fits(count, text, limit):
    parts = split_text(text, limit, count, "en")
    assert squeezed("".join(parts)) == squeezed(text)
    for part in parts:
        assert part == part.strip() != ""
        assert count([part])[0] <= limit or len(part) == 1


def test_what_fits_is_not_cut():
    assert split_text(" One. Two. ", 2, count_words, "en") == ["One. Two."]
    assert split_text(" \t", 2, count_words, "en") == []


def test_sentences_come_first():
    text = (
        "The first sentence has as many as eight words. "
        "\u201cThe second one, in quotes, has nine of them!\u201d "
        "Is this the third and last one of them?"
    )
    assert split_text(text, 12, count_words, "en") == [
        "The first sentence has as many as eight words.",
        "\u201cThe second one, in quotes, has nine of them!\u201d",
        "Is this the third and last one of them?",
    ]


def test_short_sentences_stay_with_the_next():
    text = (
        "Mr. Ek met Dr. Bo at noon, and then they talked. Both left the house before it was dark."
    )
    assert split_text(text, 14, count_words, "en") == [
        "Mr. Ek met Dr. Bo at noon, and then they talked.",
        "Both left the house before it was dark.",
    ]


def test_a_dot_within_a_number_ends_nothing():
    text = "It was 3.5 degrees, 0.5 less than before, at 10.30 in the morning"
    assert split_text(text, 8, count_words, "en") == [
        "It was 3.5 degrees, 0.5 less than before,",
        "at 10.30 in the morning",
    ]


def test_then_clauses_in_even_parts():
    text = "one two three, four five six, seven eight nine, ten eleven twelve"
    assert split_text(text, 9, count_words, "en") == [
        "one two three, four five six,",
        "seven eight nine, ten eleven twelve",
    ]


def test_then_words_in_even_parts():
    assert split_text("a b c d e f g h i j", 9, count_words, "en") == ["a b c d e", "f g h i j"]


def test_chinese_sentences_need_no_space():
    text = "今天的天气非常好啊。我们去公园散步吧！「你明天也会来吗？」他这样问我们。"
    parts = split_text(text, 30, lambda texts: [len(text) for text in texts], "zh")
    assert parts == [
        "今天的天气非常好啊。",
        "我们去公园散步吧！",
        "「你明天也会来吗？」",
        "他这样问我们。",
    ]


def test_accents_stay_with_their_letter():
    text = "e\u0301" * 6
    parts = split_text(text, 5, lambda texts: [len(text) for text in texts], "zh")
    assert parts == ["e\u0301e\u0301"] * 3


@pytest.mark.parametrize(
    "text",
    ["!" * 200_000, '."' * 99_999, "a" * 200_000, "a, " * 60_000, " – " * 60_000, ",'" * 99_999],
    ids=["exclamation", "quotes", "letters", "clauses", "dashes", "commas"],
)
def test_megabytes_without_sense_take_linear_time(text):
    started = time.monotonic()
    parts = split_text(text, 50, count_bytes, "en")
    assert squeezed("".join(parts)) == squeezed(text)
    assert time.monotonic() - started < 5


def test_parts_are_joined_with_a_space_where_the_script_has_any():
    assert join_parts(["Ein Hund.", "", "Eine Katze."]) == "Ein Hund. Eine Katze."
    assert join_parts(["一只狗。", "一只猫。"]) == "一只狗。一只猫。"
    assert join_parts([]) == ""
