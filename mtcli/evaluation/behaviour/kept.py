"""Items that a translation must keep as they are: numbers, dates, addresses, placeholders, tags."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

import regex

from mtcli.evaluation.behaviour.case import PASSED, Trial, Verdict, failed

# What is searched may be any text, so each pattern takes a time that is linear in its length: a run
# of characters is tried from its beginning only, and never again in part.
_GROUPED = regex.compile(r"\p{Nd}+(?:[.,:'\u2019\u00a0\u202f\u066b\u066c]\p{Nd}+)*")
_SPACED = regex.compile(r"\p{Nd}+(?:[.,:'\u2019\u00a0\u202f\u066b\u066c ]\p{Nd}+)*")
_DIGITS = regex.compile(r"\p{Nd}+")
_FEWEST_DIGITS = 2
"""A number of one digit is often written as a word."""

_DATE = regex.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")

_URL = regex.compile(r"https?://[^\s<>()\"']*[^\s<>()\"'.,;:!?]")
_EMAIL = regex.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_PLACEHOLDER = regex.compile(
    r"\{\{\s*[\w.]+\s*\}\}|\$\{[\w.]+\}|\{[\w.]*\}|%\(\w+\)[sd]|%(?:\d+\$)?[sd](?!\w)"
)
_TAG = regex.compile(r"<(/?)([A-Za-z][\w-]*+)[^<>]*?(/?)>")


def numbers_in(text: str) -> list[str]:
    """The numbers of two digits or more, each as its ASCII digits without separators."""
    digits = (_ascii_digits(match[0]) for match in _GROUPED.finditer(text))
    return [number for number in digits if len(number) >= _FEWEST_DIGITS]


def numbers_kept(trial: Trial) -> Verdict:
    """Every number is in the answer; its separators and its digits may be those of the language."""
    written = {
        _ascii_digits(match[0])
        for pattern in (_GROUPED, _SPACED, _DIGITS)
        for match in pattern.finditer(trial.answer)
    }
    missing = [number for number in numbers_in(trial.source) if number not in written]
    return failed(f"the number with the digits `{missing[0]}` is missing") if missing else PASSED


def dates_in(text: str) -> list[str]:
    """The dates of the form 2026-03-14."""
    return [match[0] for match in _DATE.finditer(text)]


def dates_kept(trial: Trial) -> Verdict:
    """Year, month and day of every date are in the answer, in the order of any language.

    The month may be a word: any that the answer to the text without the date does not have.
    """
    numbers = Counter(_ascii_digits(m[0]).lstrip("0") for m in _DIGITS.finditer(trial.answer))
    has_new_word = bool(_words(trial.answer) - _words(trial.plain_answer))
    for match in _DATE.finditer(trial.source):
        year, month, day = (_ascii_digits(part).lstrip("0") for part in match.groups())
        wanted = Counter((year, month, day))
        missing = wanted - numbers
        if missing and not (missing == Counter((month,)) and has_new_word):
            return failed(f"the date `{match[0]}` is missing or has changed")
    return PASSED


def urls_in(text: str) -> list[str]:
    """The addresses of pages."""
    return [match[0] for match in _URL.finditer(text)]


def urls_kept(trial: Trial) -> Verdict:
    """Every address of a page is in the answer, unchanged."""
    return _all_there(urls_in(trial.source), trial.answer)


def emails_in(text: str) -> list[str]:
    """The e-mail addresses."""
    return [match[0] for match in _EMAIL.finditer(text)]


def emails_kept(trial: Trial) -> Verdict:
    """Every e-mail address is in the answer, unchanged."""
    return _all_there(emails_in(trial.source), trial.answer)


def placeholders_in(text: str) -> list[str]:
    """The placeholders of templates, such as `{name}`, `${name}`, `{{ name }}` and `%s`."""
    return [match[0] for match in _PLACEHOLDER.finditer(text)]


def placeholders_kept(trial: Trial) -> Verdict:
    """Every placeholder is in the answer, unchanged."""
    return _all_there(placeholders_in(trial.source), trial.answer)


def tags_in(text: str) -> list[str]:
    """The tags of HTML and XML."""
    return [match[0] for match in _TAG.finditer(text)]


def tags_kept(trial: Trial) -> Verdict:
    """The answer has the tags of the source and no others, and each that is opened is closed."""
    wanted, given = Counter(tags_in(trial.source)), Counter(tags_in(trial.answer))
    if missing := list(wanted - given):
        return failed(f"`{missing[0]}` is missing")
    if extra := list(given - wanted):
        return failed(f"`{extra[0]}` is not in the source")
    if _is_nested(trial.source) and not _is_nested(trial.answer):
        return failed("a tag is closed before it is opened")
    return PASSED


def _all_there(items: Sequence[str], answer: str) -> Verdict:
    for item, number in Counter(items).items():
        if answer.count(item) < number:
            return failed(f"`{item}` is missing")
    return PASSED


def _is_nested(text: str) -> bool:
    """Whether every tag is closed, the last that was opened first; `<br/>` needs no other."""
    opened: list[str] = []
    for is_end, name, is_alone in (match.groups() for match in _TAG.finditer(text)):
        if is_end:
            if not opened or opened.pop() != name:
                return False
        elif not is_alone:
            opened.append(name)
    return not opened


def _words(text: str) -> set[str]:
    return {match[0].casefold() for match in _WORD.finditer(text)}


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.digit(character)) for character in text if character.isdecimal())
