"""Noise on text: what each kind does, how often, and that nothing is remembered."""

import re

import pytest

from mtcli.data.text_noise import NoiseAmounts, add_noise

TEXT = "Der kleine Hund, der bellt, schläft heute nicht."


def outcomes(amounts, text=TEXT, number=400):
    return [add_noise(text, amounts, seed=seed) for seed in range(number)]


def test_without_amounts_nothing_changes():
    assert NoiseAmounts().is_none
    assert set(outcomes(NoiseAmounts())) == {TEXT}


def test_it_is_a_function_of_text_amounts_and_seed():
    amounts = NoiseAmounts(0.5, 0.5, 0.5)
    forward = outcomes(amounts)
    backward = [add_noise(TEXT, amounts, seed=seed) for seed in reversed(range(len(forward)))]
    assert forward == backward[::-1]
    assert len(set(outcomes(amounts))) > 200


def test_case_noise_is_one_of_three():
    assert set(outcomes(NoiseAmounts(case=0.999999))) == {
        TEXT.lower(),
        TEXT.upper(),
        "d" + TEXT[1:],
    }


def test_punctuation_noise_takes_the_end_or_all():
    assert set(outcomes(NoiseAmounts(punctuation=0.999999))) == {
        TEXT[:-1],
        TEXT.replace(",", "").replace(".", ""),
    }


def test_punctuation_between_spaces_leaves_one_space():
    got = set(outcomes(NoiseAmounts(punctuation=0.999999), "ja , das geht ."))
    assert got == {"ja , das geht", "ja das geht"}


def test_typos_change_one_letter_and_spare_short_words_and_numbers():
    text = "ab Katze x3000 d'or"
    seen = set()
    for noisy in outcomes(NoiseAmounts(typo=0.999999), text):
        first, second, *rest = noisy.split(" ")
        assert (first, rest) == ("ab", ["x3000", "d'or"])
        assert abs(len(second) - 5) <= 1
        assert set(second) <= set("Katze")
        seen.add(len(second))
    assert seen == {4, 5, 6}


def test_typos_change_words_with_punctuation_around_them_and_leave_that():
    noisy = outcomes(NoiseAmounts(typo=0.999999), "(Hund,")
    assert all(one.startswith("(") and one.endswith(",") for one in noisy)
    assert sum(one != "(Hund," for one in noisy) > 350
    assert {one.strip("(,") for one in noisy} >= {"uHnd", "Hud", "Hunnd"}


@pytest.mark.parametrize("kind", ["case", "punctuation", "typo"])
def test_the_probability_is_that_asked_for(kind):
    text = "Abcdefgh." if kind != "typo" else "abcdefgh"
    noisy = outcomes(NoiseAmounts(**{kind: 0.2}), text, number=4000)
    changed = sum(one != text for one in noisy) / 4000
    assert 0.15 < changed < 0.225  # a letter may be replaced by itself: 1 typo in 32


def test_nothing_is_lost_when_nothing_else_is_there():
    assert set(outcomes(NoiseAmounts(punctuation=0.999999), "...")) == {"..."}


def test_words_and_spaces_keep_their_number():
    for noisy in outcomes(NoiseAmounts(case=0.5, typo=0.5)):
        assert len(re.findall(" ", noisy)) == TEXT.count(" ")
