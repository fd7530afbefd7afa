"""Remove characters that nobody sees; keep those that spelling and emoji need.

Invisible are the code points with Unicode's property Default_Ignorable_Code_Point: soft hyphens,
zero-width spaces, bidi marks, variation selectors, tags, fillers. Copied text is full of them, and
to a model each is a piece that it hardly knows, in the middle of a word.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import regex

Side: TypeAlias = Literal["src", "tgt"]
"""The language that is read, or the one that is written."""

JOINER_SCRIPTS = (
    *("Adlam", "Arabic", "Hanifi_Rohingya", "Mandaic", "Mongolian", "Nko", "Phags_Pa", "Syriac"),
    *("Balinese", "Bengali", "Chakma", "Devanagari", "Grantha", "Gujarati", "Gurmukhi"),
    *("Javanese", "Kannada", "Khmer", "Malayalam", "Meetei_Mayek", "Myanmar", "Newa", "Oriya"),
    *("Saurashtra", "Sinhala", "Sundanese", "Syloti_Nagri", "Tamil", "Telugu", "Tirhuta"),
)
"""Scripts whose spelling uses ZWJ and ZWNJ: letters that join, and consonants that stack.

Source: The Unicode Standard 16.0, chapters 9, 12 to 14, 16, 17, 19 and section 23.2.
"""

_JOINERS = frozenset("\u200c\u200d")
_RUN = re.compile("([\u200c\u200d]+)")


def without_invisible(text: str, side: Side) -> str:
    """The text without invisible characters.

    ZWJ and ZWNJ stay where they are spelling: next to a letter of one of JOINER_SCRIPTS, with a
    letter or digit on the other side, or after its virama; and ZWJ stays inside emoji. A target
    also keeps what changes the look of the character before it, because a reader sees that: the
    variation selectors of emoji, Han and Mongolian, and the tags of a flag. In a source these say
    nothing, so they go.

    Args:
        text: any text, without surrogates.
        side: "src" for text that is read, "tgt" for text that is written.
    """
    if text.isascii():
        return text
    found = _invisible().findall(text)
    if not found:
        return text
    if not _JOINERS.issuperset(found):
        text = _noise(side).sub("" if side == "src" else r"\g<kept>", text)
    # joiners come second, because what stands between a letter and a joiner must be gone by then
    spans = _RUN.split(text)
    for place in range(1, len(spans), 2):
        joiner = spans[place][0]
        is_kept = _is_spelling(spans[place - 1][-2:], joiner, spans[place + 1][:1])
        spans[place] = joiner if is_kept else ""
    return "".join(spans)


@cache
def _invisible() -> regex.Pattern[str]:
    """Any invisible character."""
    import regex  # 10 ms (2026-11-29, Xeon); English text never needs it

    return regex.compile(r"\p{Default_Ignorable_Code_Point}")


@cache
def _noise(side: Side) -> regex.Pattern[str]:
    """What is removed, or in a target replaced by its group `kept`; joiners are not part of it."""
    import regex

    noise = r"[\p{Default_Ignorable_Code_Point}--[\u200c\u200d]]"
    if side == "src":
        return regex.compile(noise, regex.VERSION1)
    visible = (
        r"\U0001F3F4[\U000E0020-\U000E007E]+\U000E007F"  # the flag of a region, such as Wales
        r"|(?<=[\p{Emoji}--\p{ASCII}])[\uFE0E\uFE0F]"
        r"|(?<=[0-9#*])\uFE0F(?=\u20E3)"  # the number on a key
        r"|(?<=\p{Han})[\p{Variation_Selector}--\p{Block=Mongolian}]"
        r"|(?<=[\p{Mongolian}--\p{Default_Ignorable_Code_Point}])[\p{Variation_Selector}\u180E]"
    )
    return regex.compile(f"(?P<kept>{visible})|{noise}", regex.VERSION1)


@lru_cache(2**16)
def _is_spelling(before: str, joiner: str, after: str) -> bool:
    """Whether a joiner stays between these characters: up to two before it, up to one after it."""
    return _spelling().fullmatch(f"{before}{joiner}{after}") is not None


@cache
def _spelling() -> regex.Pattern[str]:
    """The joiners that stay, with the characters around them."""
    import regex

    scripts = "".join(rf"\p{{Script_Extensions={script}}}" for script in JOINER_SCRIPTS)
    joiner, letter, joining = "[\u200c\u200d]", r"[\p{L}\p{M}\p{Nd}]", rf"[{scripts}]"
    places = (
        f".?{letter}{joiner}[{joining}&&{letter}]",
        f".?[{joining}&&{letter}]{joiner}{letter}",
        # half forms and Malayalam chillus also end words
        rf".?[{joining}&&\p{{Canonical_Combining_Class=Virama}}]{joiner}.?",
        r".?[\p{Extended_Pictographic}\p{Emoji_Modifier}]\uFE0F?\u200D\p{Extended_Pictographic}",
    )
    return regex.compile("|".join(places), regex.VERSION1 | regex.DOTALL)
