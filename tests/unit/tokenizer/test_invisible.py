"""Invisible characters go, all of them, but not the joiners and selectors that readers need."""

import re

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.tokenizer.invisible import JOINER_SCRIPTS, without_invisible

SIDES = ["src", "tgt"]
ALL = "".join(chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000)
IGNORABLE = regex.findall(r"\p{Default_Ignorable_Code_Point}", ALL)
ZWNJ, ZWJ, TEXT_STYLE, EMOJI_STYLE = "\u200c", "\u200d", "\ufe0e", "\ufe0f"
WALES = "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"


def test_the_property_is_what_unicode_lists():
    # DerivedCoreProperties.txt of Unicode 5.2 to 17: 4174 code points, of which these are examples
    assert len(IGNORABLE) >= 4174
    assert {"\xad", "\u034f", "\u061c", "\u115f", "\u17b4", "\u180b", "\u200b", "\u200f", "\u202a",
            "\u2060", "\u2066", "\u3164", "\ufe00", "\ufeff", "\uffa0", "\U0001d173", "\U000e0001",
            "\U000e0100"} <= {*IGNORABLE}  # fmt: skip


@pytest.mark.parametrize("side", SIDES)
def test_every_invisible_character_goes(side):
    for char in IGNORABLE:
        for text in (f"te{char}ku", f"{char}teku", f"teku{char}", f"te{char}{char}ku", f"1{char}2"):
            assert without_invisible(text, side) == text.replace(char, ""), hex(ord(char))
        assert without_invisible(f"Häu{char}ser, über", side) == "Häuser, über"
        assert without_invisible(f"ภาษา{char}ไทย", side) == "ภาษาไทย"
        assert without_invisible(f"мо{char}ре", side) == "море"
    assert without_invisible("x".join(IGNORABLE), side) == "x" * (len(IGNORABLE) - 1)


@pytest.mark.parametrize("side", SIDES)
def test_nothing_else_changes(side):
    visible = ALL.translate(dict.fromkeys(map(ord, IGNORABLE)))
    assert without_invisible(visible, side) == visible


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "text",
    [
        *(f"می{ZWNJ}خواهم", f"کشور{ZWNJ}ها", f"CD{ZWNJ}ها", f"۲۰{ZWNJ}ساله", f"كِ{ZWNJ}تاب"),  # fa
        *(f"क्{ZWJ}ष", f"क्{ZWNJ}ष", f"र्{ZWJ}य", f"क्{ZWJ}"),  # hi, mr
        *(f"র{ZWJ}্যাম", f"ত্{ZWJ} "),  # bn
        *(f"ශ්{ZWJ}රී ලංකා", f"ක්{ZWJ}ෂ"),  # si
        *(f"അവന്{ZWJ} വന്നു", f"ഓണ്{ZWNJ}ലൈന്{ZWJ}"),  # ml
        *(f"వెబ్{ZWNJ}సైట్", f"ಆಫ್{ZWNJ}ಲೈನ್", f"ક્{ZWNJ}ષ", f"வ்{ZWNJ}வ", f"ਕ੍{ZWNJ}ਰ", f"କ୍{ZWNJ}ଷ"),
        *(f"ប៊{ZWNJ}ី", f"က္{ZWNJ}က", f"ᠠ{ZWJ}ᠨ", f"ܫ{ZWNJ}ܠ"),  # km, my, mn, syr
        *(f"👩{ZWJ}👩{ZWJ}👧", f"👩🏽{ZWJ}💻", f"🏃{ZWJ}♀", f"🐻{ZWJ}❄"),
    ],
)
def test_joiners_that_are_spelling_stay(text, side):
    assert without_invisible(text, side) == text
    doubled = re.sub(f"([{ZWNJ}{ZWJ}])", r"\1\1", text)
    assert without_invisible(doubled, side) == text
    # what else is invisible beside them goes, and does not hide the letters from them
    assert without_invisible(re.sub(f"([{ZWNJ}{ZWJ}])", "\xad\\1\u200b", text), side) == text


@pytest.mark.parametrize("joiner", [ZWNJ, ZWJ])
@pytest.mark.parametrize(
    "text", ["te{}ku", "{}سلام", "سلام{}", "سلام{} دنیا", "سلام{}.", "日{}本", "한{}국", "👩{} x",
             "x{}👩", "ไ{}ท", "{}"],
)  # fmt: skip
def test_joiners_that_are_not_go(text, joiner):
    for side in SIDES:
        assert without_invisible(text.format(joiner), side) == text.format("")


# UAX 31, tables 5 and 7: recommended and limited use, those that could need joiners
SCRIPTS_IN_USE = re.findall(
    r"\w+",
    """
    Adlam Arabic Balinese Batak Bengali Chakma Cham Devanagari Ethiopic Gujarati Gurmukhi
    Hanifi_Rohingya Hebrew Javanese Kannada Kayah_Li Khmer Lao Lepcha Limbu Malayalam Mandaic
    Meetei_Mayek Myanmar New_Tai_Lue Newa Nko Ol_Chiki Oriya Saurashtra Sinhala Sundanese
    Syloti_Nagri Syriac Tai_Le Tai_Tham Tai_Viet Tamil Telugu Thaana Thai Tibetan Tifinagh
    """,
)
WITHOUT_JOINERS = {"Batak", "Lao", "Tai_Tham", "Thai", "Tibetan", "Tifinagh"}
"""They have a killer or a stacking sign, but no joiners in their spelling."""


def test_all_scripts_in_use_with_joining_letters_or_conjuncts_are_listed():
    table = regex.findall(r"[\p{jt=D}\p{jt=R}\p{ccc=9}]", ALL)
    for script in SCRIPTS_IN_USE:
        has_any = regex.search(rf"\p{{Script={script}}}", "".join(table)) is not None
        assert (script in JOINER_SCRIPTS) == (has_any and script not in WITHOUT_JOINERS), script


@pytest.mark.parametrize(
    ("text", "in_source"),
    [
        (f"❤{EMOJI_STYLE}", "❤"),
        (f"☎{TEXT_STYLE} und ✈{EMOJI_STYLE}", "☎ und ✈"),
        (f"1{EMOJI_STYLE}\u20e3", "1\u20e3"),
        (f"👩{ZWJ}❤{EMOJI_STYLE}{ZWJ}👨", f"👩{ZWJ}❤{ZWJ}👨"),
        (f"{WALES}!", "🏴!"),
        ("葛\U000e0100城", "葛城"),
        ("ᠠ\u180bᠨ\u180eᠠ", "ᠠᠨᠠ"),
    ],
)
def test_what_a_reader_sees_stays_in_a_target(text, in_source):
    assert without_invisible(text, "tgt") == text
    assert without_invisible(text, "src") == in_source


ODD = [*"aé日می्क👩❤🏴1 .", ZWNJ, ZWJ, EMOJI_STYLE, "\xad", "\u200b", "\u180b", "\U000e0067",
       "\U000e007f", "\u20e3", "್", "🏽"]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(text=st.lists(st.sampled_from(ODD), max_size=10).map("".join), side=st.sampled_from(SIDES))
def test_a_second_time_changes_nothing(text, side):
    once = without_invisible(text, side)
    assert without_invisible(once, side) == once
    visible = {*text} - {*IGNORABLE}
    assert [c for c in once if c in visible] == [c for c in text if c in visible]
