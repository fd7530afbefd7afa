"""The words of a text, whatever its script: for counting, not for scores."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from mtcli.evaluation.odd_texts import UNSPACED

if TYPE_CHECKING:
    import regex


def words_of(text: str) -> list[str]:
    """Letters, marks and digits in a row, without punctuation; an apostrophe inside a word stays.

    In scripts without spaces between words, each letter is a word.
    """
    words: list[str] = _pattern().findall(text)
    return words


def is_form(word: str) -> bool:
    """Whether it has letters and no digit: what a vocabulary can know, unlike numbers."""
    return any(map(str.isalpha, word)) and not any(map(str.isnumeric, word))


@cache
def _pattern() -> regex.Pattern[str]:
    import regex

    letters = rf"[[\p{{L}}\p{{M}}\p{{N}}]--{UNSPACED}]+"
    return regex.compile(rf"{UNSPACED}|{letters}(?:['\u2019]{letters})*", regex.VERSION1)
