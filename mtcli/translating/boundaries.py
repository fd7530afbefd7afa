"""Where sentences, clauses and words end, in every script."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import regex

Cuts = Callable[[str], list[int]]
"""Places to cut a text at, ascending; white space belongs to what it follows."""

# Unicode's properties, and no lists of ours, which some script would be missing from.
_TERMINAL = r"\p{Sentence_Terminal}\u2026"
_COMMA = r"[\p{Terminal_Punctuation}--[\p{Sentence_Terminal}]]"
# Wide characters, and those that UAX #14 breaks lines after (dandas, the khan of Khmer): a cut
# after them needs no white space, because they do not stand within words.
_UNSPACED = (
    r"[\p{East_Asian_Width=W}\p{East_Asian_Width=F}\p{East_Asian_Width=H}"
    r"\p{Line_Break=BA}\p{Line_Break=CL}\p{Line_Break=SA}]"
)
_UNSPACED_LETTER = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}]"
# What closes in one language opens in another (»Ja.« and « Oui. »). Such marks close if white space
# follows. All are possessive: a megabyte of quotes takes linear time.
_CLOSING = (
    r"[\p{Pe}\p{Pf}\p{Pi}\"'\uff02\uff07]*+(?:[\x20\xa0\u2009\u202f][»›]++(?=\s|\Z))?+(?=\s|\Z)"
)
_SURELY_CLOSING = r"[\p{Pe}\p{Pf}]*+"
_OPENING = r"[\p{Ps}\p{Pi}\"'¿¡]*+"

_STOPS = frozenset(".!?")
_STOPS_AND_ELLIPSIS = _STOPS | {"…"}


class Kind(Enum):
    """How sure it is that a sentence ends."""

    SURE = "sure"
    DOUBTFUL = "doubtful"
    """After an initial (`J. Ek`), before a lower-case letter, or where white space is missing."""


class SentenceEnd(NamedTuple):
    """A place where a sentence may end."""

    mark: int
    """Where its mark begins."""
    cut: int
    """Where to cut: after the mark, what closes the sentence, and white space."""
    kind: Kind
    is_stop: bool
    """Whether its mark is of `.`, `!` and `?`, which abbreviations, names and dates have, too, and
    no bracket closes after it."""


def find_sentence_ends(text: str) -> list[SentenceEnd]:
    """The places where sentences may end by their marks, the end of the text left out.

    A mark is a run of characters with Unicode's property Sentence_Terminal (or `…`), a Greek
    question mark, or a doubled word space of Ethiopic.
    """
    ends = []
    for match in _patterns().sentence.finditer(text):
        kind = _kind(match)
        if kind is not None:
            ends.append(SentenceEnd(match.start(), match.end(), kind, _is_stop(match)))
    return ends


def clause_cuts(text: str) -> list[int]:
    """Cuts after commas and the like, and around dashes."""
    return [match.end() for match in _patterns().clause.finditer(text)]


def word_cuts(text: str) -> list[int]:
    """Cuts after words."""
    return [match.end() for match in _patterns().word.finditer(text)]


def ends_without_space(text: str) -> bool:
    """Whether a sentence of Chinese or Japanese ends here, after which there is no space."""
    return _patterns().unspaced_end.search(text[-8:]) is not None


def _is_stop(match: regex.Match[str]) -> bool:
    has_bracket = any(character in match["closing"] for character in ")]}")
    return _STOPS.issuperset(match["mark"]) and not has_bracket


def _kind(match: regex.Match[str]) -> Kind | None:
    """What a match of the sentence pattern is; None if no sentence ends there."""
    start, mark, following = match.start(), match["mark"], match["following"]
    if following is None:  # the end of the text
        return None
    if match["space"]:
        if not _STOPS_AND_ELLIPSIS.issuperset(mark):
            return Kind.SURE
        if match["lower"]:
            return Kind.DOUBTFUL
        is_initial = mark == "." and _patterns().initial.search(
            match.string, max(0, start - 2), start
        )
        return Kind.DOUBTFUL if is_initial else Kind.SURE
    before = match.string[max(0, start - 1) : start]
    if _patterns().unspaced.match(mark[-1]):
        if before.isdecimal() and following.isdecimal():
            return None
        is_quoted = match["closing"].endswith(("」", "』")) and following in "とっ"
        return Kind.DOUBTFUL if is_quoted else Kind.SURE
    if mark[-1] in "!?" and _patterns().unspaced_letter.match(following):
        return Kind.SURE
    is_between_letters = before.isalpha() and following.isalpha()
    if mark[-1] in _STOPS_AND_ELLIPSIS:
        is_between_letters = before.islower() and following.isupper()
    return Kind.DOUBTFUL if is_between_letters else None


class _Patterns(NamedTuple):
    sentence: regex.Pattern[str]
    """An end of a sentence, and the character that follows as `following`."""
    clause: regex.Pattern[str]
    word: regex.Pattern[str]
    initial: regex.Pattern[str]
    """The capital of an initial, with at most one character before it, at the end."""
    unspaced: regex.Pattern[str]
    unspaced_letter: regex.Pattern[str]
    unspaced_end: regex.Pattern[str]


@cache
def _patterns() -> _Patterns:
    """Compiled when a text is cut: importing regex takes 20 ms, which most translations save."""
    import regex

    mark = rf"(?<mark>(?<![{_TERMINAL}])[{_TERMINAL}]++|(?<=\p{{Greek}})[;\u037e]|\u1361{{2,}}+)"
    closing = rf"(?<closing>{_CLOSING}|{_SURELY_CLOSING})(?<space>\s*+)"
    # Georgian letters are lower-case ones, with which sentences begin
    following = rf"(?=(?:{_OPENING}(?<lower>[\p{{Ll}}--\p{{Georgian}}])|)(?:(?<following>.)|\Z))"
    return _Patterns(
        regex.compile(mark + closing + following, regex.V1 | regex.DOTALL),
        regex.compile(
            rf"{_COMMA}(?:{_CLOSING}\s++|(?<={_UNSPACED})(?<!\p{{Nd}}.(?=\p{{Nd}}))"
            rf"{_SURELY_CLOSING}\s*+)|\s[–—-]\s++",
            regex.V1,
        ),
        # zero-width spaces and Tibetan's tsheg separate words and syllables
        regex.compile(r"[\s\u200b]++|\u0f0b++", regex.V1),
        regex.compile(r"(?:^|[^\p{L}\p{M}\p{N}.])\p{Lu}\Z", regex.V1),
        regex.compile(_UNSPACED, regex.V1),
        regex.compile(_UNSPACED_LETTER, regex.V1),
        regex.compile(
            r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\u3000-\u303f\uff00-\uffef]"
            r"[\p{Pe}\p{Pf}\"']*+\Z",
            regex.V1,
        ),
    )
