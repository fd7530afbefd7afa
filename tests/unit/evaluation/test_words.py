"""What a word is, in any script."""

import pytest

from mtcli.evaluation.words import is_form, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop, it’s 3.5!", ["Don't", "stop", "it’s", "3", "5"]),
        ("'quoted' rock-n-roll", ["quoted", "rock", "n", "roll"]),
        ("Straße ÉCOLE e\u0301te\u0301", ["Straße", "ÉCOLE", "e\u0301te\u0301"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # marks belong to words
        ("한국어 문장", ["한국어", "문장"]),
        ("私はNATOです", ["私", "は", "NATO", "で", "す"]),
        ("  ... !? ", []),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("word", "is_one"), [("house", True), ("私", True), ("1999", False), ("B52", False)]
)
def test_numbers_are_no_forms(word, is_one):
    assert is_form(word) is is_one
