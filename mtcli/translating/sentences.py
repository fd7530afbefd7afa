"""Paragraphs are cut into sentences by the package sentencex of Wikimedia (extra `split`)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from mtcli.config.languages import language_of
from mtcli.errors import ConfigError

Splitter = Callable[[str], list[str]]
"""Cuts a text into sentences, without white space around them and none empty."""

_WIDE_SPACE = re.compile(r"[^\S ]")

_logger = logging.getLogger(__name__)


def load_splitter(lang: str) -> Splitter:
    """What cuts texts of a language into sentences.

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
        return cut_by(text, _segment(sentencex.segment, subtag, plain))

    return split


def cut_by(text: str, segments: list[str]) -> list[str]:
    """The text cut where the segments end; the whole text, if they are not as long as it.

    Args:
        text: what is cut.
        segments: what a splitter made of a text whose characters stand at the same places.
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
    """The segments; the whole text, should the splitter's Rust code panic at it.

    Some text of the world will find a bug in any splitter, and no line must be lost to it.
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
