"""Split texts into sentences with the package sentencex of Wikimedia (extra `split`)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from mtcli.config.languages import language_of
from mtcli.errors import ConfigError

Splitter = Callable[[str], list[str]]
"""Splits a text into sentences, without white space around them and none empty."""

_WIDE_SPACE = re.compile(r"[^\S ]")

_logger = logging.getLogger(__name__)


def load_splitter(lang: str) -> Splitter:
    """Load the sentence splitter of a language.

    Args:
        lang: a BCP 47 tag. sentencex knows some 300 languages by their first subtag; of others
            it splits by the rules of English.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        import sentencex
    except ModuleNotFoundError as error:
        raise ConfigError(
            "`--split-sentences` needs the package `sentencex`, which is not installed",
            hint="run `pip install 'mtcli[split]'`",
        ) from error
    subtag = language_of(lang)

    def split(text: str) -> list[str]:
        # sentencex 1.0.32 fails at white space of several bytes after an initial (2026-11-23);
        # the replacement keeps every position
        plain = _WIDE_SPACE.sub(" ", text)
        return split_where(text, _segment(sentencex.segment, subtag, plain))

    return split


def split_where(text: str, segments: list[str]) -> list[str]:
    """Split a text where the segments end, or not at all if they are not as long as the text.

    Args:
        text: the text.
        segments: of a text whose characters are at the same places.
    """
    if sum(map(len, segments)) != len(text):
        segments = [text]
    sentences, start = [], 0
    for segment in segments:
        end = start + len(segment)
        sentences.append(text[start:end].strip())
        start = end
    return [sentence for sentence in sentences if sentence]


def _segment(segment: Callable[[str, str], list[str]], subtag: str, text: str) -> list[str]:
    """The segments; the whole text if the splitter's Rust code panics at it.

    Some text will find a bug in any splitter, and no line must be lost to it.
    """
    try:
        return segment(subtag, text)
    except BaseException as error:
        # pyo3's class is derived from BaseException and cannot be imported
        if type(error).__name__ != "PanicException":
            raise
        _logger.warning(
            "sentencex cannot split a line, so it is translated as one sentence: %s", error
        )
        return [text]
