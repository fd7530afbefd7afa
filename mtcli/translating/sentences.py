"""Split texts into sentences, with the package sentencex of Wikimedia (extra `split`)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from itertools import accumulate

from mtcli.config.languages import short_language_of
from mtcli.errors import ConfigError
from mtcli.translating.boundaries import Cuts, Kind, SentenceEnd, find_sentence_ends

Splitter = Callable[[str], list[str]]
"""Splits a text into sentences, without white space around them and none empty."""

_WIDE_SPACE = re.compile(r"[^\S ]")

_WINDOW, _MARGIN = 2000, 200
"""Characters that sentencex gets at once, and context at either side. 200,000 characters of quotes
took it 108 s at once (1.0.32, 2026-11-29), as its time grows with the square."""

_logger = logging.getLogger(__name__)


def load_splitter(lang: str) -> Splitter:
    """Load the sentence splitter of a language.

    It cuts where sentencex does, and at marks of scripts that sentencex does not know.

    Args:
        lang: a BCP 47 tag. sentencex knows some 300 languages by their first subtag; of others
            it splits by the rules of English.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        import sentencex  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(
            "`--split-sentences` needs the package `sentencex`, which is not installed",
            hint="run `pip install 'sentencex>=1.0.32,<2'`",
        ) from error

    def split(text: str) -> list[str]:
        theirs = _sentencex_cuts(text, lang)
        sure = [end for end in find_sentence_ends(text) if end.kind is Kind.SURE]
        ours = [end.cut for end in sure if theirs is None or not end.is_stop]
        return cut_text(text, sorted({*(theirs or ()), *ours}))

    return split


def sentence_cuts(lang: str) -> Cuts:
    """Cuts after sentences; where sentencex is installed, it says which full stops end none.

    Args:
        lang: as of `load_splitter`.
    """
    return lambda text: [end.cut for end in _ends(text, lang) if end.kind is Kind.SURE]


def doubtful_cuts(lang: str) -> Cuts:
    """Cuts wherever a sentence may end, such as before lower-case letters."""
    return lambda text: [end.cut for end in _ends(text, lang)]


def cut_text(text: str, cuts: list[int]) -> list[str]:
    """The parts of a text between the cuts, without white space around them and none empty."""
    parts = (text[a:b].strip() for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))
    return [part for part in parts if part]


def _ends(text: str, lang: str) -> list[SentenceEnd]:
    """Where sentences end; of stops, where sentencex agrees, if it is installed."""
    ends = find_sentence_ends(text)
    theirs = _sentencex_cuts(text, lang) if any(end.is_stop for end in ends) else None
    if theirs is None:
        return ends
    return [
        end
        for end in ends
        # before the closing marks, or after them
        if not end.is_stop or not theirs.isdisjoint(range(end.mark + 1, end.cut + 1))
    ]


def _sentencex_cuts(text: str, lang: str) -> set[int] | None:
    """Where sentencex cuts; None if it is not installed, fails, or changes the text."""
    try:
        import sentencex
    except ModuleNotFoundError:
        return None
    # sentencex 1.0.32 fails at white space of several bytes after an initial (2026-11-23); the
    # replacement keeps every position
    plain = _WIDE_SPACE.sub(" ", text)
    cuts: set[int] = set()
    for start in range(0, len(plain), _WINDOW):
        first, last = max(0, start - _MARGIN), start + _WINDOW + _MARGIN
        window = plain[first:last]
        segments = _segment(sentencex.segment, short_language_of(lang), window)
        if segments is None or sum(map(len, segments)) != len(window):
            return None
        places = accumulate(map(len, segments), initial=first)
        cuts.update(place for place in places if start < place <= start + _WINDOW)
    return cuts


def _segment(segment: Callable[[str, str], list[str]], subtag: str, text: str) -> list[str] | None:
    """The segments; None if the splitter's Rust code panics at the text.

    Some text will find a bug in any splitter, and no line must be lost to it.
    """
    try:
        return segment(subtag, text)
    except BaseException as error:
        # pyo3's class is derived from BaseException and cannot be imported
        if type(error).__name__ != "PanicException":
            raise
        _logger.warning(
            "sentencex cannot split a line, so its sentences are found by their marks: %s", error
        )
        return None
