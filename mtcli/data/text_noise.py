"""Noise in texts that keeps their meaning: other case, missing punctuation, typing errors."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

_SHORTEST_WITH_TYPO = 3
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class NoiseAmounts:
    """Probabilities, each from 0."""

    case: float = 0.0
    """Of another case, for each sentence."""
    punctuation: float = 0.0
    """Of missing punctuation, for each sentence."""
    typo: float = 0.0
    """Of a typing error, for each word."""

    @property
    def is_none(self) -> bool:
        """Whether no text changes."""
        return self.case == self.punctuation == self.typo == 0


def add_noise(text: str, amounts: NoiseAmounts, *, seed: int) -> str:
    """Add noise to a text: a function of its arguments alone.

    Only `random.Random.random` is used, because Python guarantees its values. A text that would
    become blank does not change.
    """
    draw = random.Random(seed).random
    noisy = text
    if amounts.typo > 0:
        noisy = _WORD.sub(lambda word: _maybe_mistype(word[0], amounts.typo, draw), noisy)
    if draw() < amounts.punctuation:
        noisy = _without_punctuation(noisy, is_everywhere=draw() < 0.5)
    if draw() < amounts.case:
        noisy = _other_case(noisy, choice=int(draw() * 3))
    return noisy if noisy.strip() else text


def _maybe_mistype(word: str, chance: float, draw: Callable[[], float]) -> str:
    return _mistype(word, draw) if draw() < chance else word


def _mistype(word: str, draw: Callable[[], float]) -> str:
    """Put one typing error into a word, but not into the punctuation around it.

    Short words, and words with other characters than letters, do not change.
    """
    start, end = 0, _end_of_text(word)
    while start < end and _is_punctuation(word[start]):
        start += 1
    letters = word[start:end]
    if len(letters) < _SHORTEST_WITH_TYPO or not letters.isalpha():
        return word
    place = int(draw() * (len(letters) - 1))
    before, letter, after = letters[:place], letters[place], letters[place + 1 :]
    match int(draw() * 4):
        case 0:
            mistyped = before + after[0] + letter + after[1:]
        case 1:
            mistyped = before + after
        case 2:
            mistyped = before + letter + letter + after
        case _:
            mistyped = before + letters[int(draw() * len(letters))] + after
    return word[:start] + mistyped + word[end:]


def _without_punctuation(text: str, *, is_everywhere: bool) -> str:
    if is_everywhere:
        kept = "".join(letter for letter in text if not _is_punctuation(letter))
        return re.sub(" +", " ", kept).strip()
    return text[: _end_of_text(text)]


def _end_of_text(text: str) -> int:
    """Where the punctuation and spaces at the end of a text begin."""
    end = len(text)
    while end and (_is_punctuation(text[end - 1]) or text[end - 1].isspace()):
        end -= 1
    return end


def _is_punctuation(letter: str) -> bool:
    return unicodedata.category(letter).startswith("P")


def _other_case(text: str, choice: int) -> str:
    if choice == 0:
        return text.lower()
    if choice == 1:
        return text.upper()
    return text[:1].swapcase() + text[1:]
