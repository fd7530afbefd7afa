"""Ends of sentences by Unicode's properties: every mark, every closing mark, every script."""

import sys
import time
import unicodedata

import pytest
import regex

from mtcli.translating.boundaries import clause_cuts, find_sentence_ends, word_cuts
from mtcli.translating.parts import join_parts, split_text
from mtcli.translating.sentences import cut_text, doubtful_cuts, load_splitter, sentence_cuts

ALL = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
TERMINALS = [c for c in ALL if regex.match(r"\p{Sentence_Terminal}", c)] + ["…", "..."]
CLOSING = [c for c in ALL if unicodedata.category(c) in ("Pe", "Pf", "Pi") or c in "\"'"]
COMMAS = [
    c
    for c in ALL
    if regex.match(r"\p{Terminal_Punctuation}", c) and not regex.match(r"\p{STerm}", c)
]


@pytest.fixture(params=["with sentencex", "without"])
def _any_installation(request, monkeypatch):
    if request.param == "without":
        monkeypatch.setitem(sys.modules, "sentencex", None)


@pytest.fixture
def _no_sentencex(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencex", None)


def sentences(text, lang="en"):
    return cut_text(text, sentence_cuts(lang)(text))


def test_there_are_as_many_marks_as_unicode_has():
    assert len(TERMINALS) > 150
    assert len(CLOSING) > 80
    assert len(COMMAS) > 100


@pytest.mark.usefixtures("_any_installation")
def test_every_terminal_of_unicode_ends_a_sentence():
    for terminal in TERMINALS:
        first, second = f"One is here{terminal}", f"Two is there{terminal}"
        assert sentences(f"{first} {second}") == [first, second], ascii(terminal)


@pytest.mark.usefixtures("_any_installation")
def test_every_terminal_cuts_a_long_line():
    def count(texts):
        return [len(text.split()) for text in texts]

    for terminal in TERMINALS:
        parts = [
            f"The {word} of them has as many as nine words{terminal}" for word in ("1st", "2nd")
        ]
        assert split_text(" ".join(parts), 12, count, "xx") == parts, ascii(terminal)


@pytest.mark.usefixtures("_any_installation")
def test_every_closing_mark_stays_with_its_sentence():
    for closing in CLOSING:
        for terminal in (".", "!", "۔", "।", "。", "؟", "።", "!?"):
            text = f"One is here{terminal}{closing} Two is there."
            assert sentences(text)[0] == f"One is here{terminal}{closing}", ascii(text)


LANGUAGES = [
    ("en", ['He said "No."', "Then he left.", "(He was late.)", "“Why?” they asked.", "So."]),
    ("de", ["Er sagte: „Nein.“", "Dann ging er.", "»Ja!«", "›Ja.‹", "‚Nein.‘", "Gut."]),
    ("sv", ["”Nej.”", "»Nej.»", "Så gick han."]),
    ("fr", ["Il dit : « Oui. »", "Puis « Oui\u00a0!\u202f»", "Pourquoi ?", "Parce que…", "Bon."]),
    ("es", ["¿Qué?", "¡No!", "Sí."]),
    ("ru", ["Он сказал: «Да.»", "Потом ушёл."]),
    ("el", ["Τι είναι αυτό;", "Ναι.", "Όχι!"]),
    ("hy", ["Ես եմ։", "Դու ես։"]),
    ("ka", ["ეს არის.", "ის არის."]),
    ("he", ["מה זה?", "טוב."]),
    ("ar", ["هل أنت؟", "قال: «لا.»", "ثم ذهب."]),
    ("ur", ["وہ گھر گیا۔", "کیا؟", "ہاں۔"]),
    ("hi", ["वह गया।", "वह आया॥", "क्या?", "हाँ।"]),
    ("bn", ["সে গেল।", "সে এল।"]),
    ("am", ["ሰላም ነው።", "እሺ፡፡", "ማን ነው፧", "ነው።"]),
    ("km", ["ខ្ញុំទៅ។", "គាត់មក។"]),
    ("my", ["သူသွားသည်။", "သူလာသည်။"]),
    ("th", ["ผมไป!", "ครับ"]),
    ("zh", ["他说：“好。”", "我走了！", "「你来吗？」", "（好。）", "走。"]),
    ("ja", ["行った。", "（はい。）", "３．５度です。"]),
]


@pytest.mark.usefixtures("_any_installation")
@pytest.mark.parametrize(("lang", "expected"), LANGUAGES, ids=[lang for lang, _ in LANGUAGES])
def test_languages(lang, expected):
    assert sentences(" ".join(expected), lang) == expected


@pytest.mark.usefixtures("_any_installation")
@pytest.mark.parametrize(
    "expected",
    [
        [
            "今天的天气好。",
            "我走了！",
            "「你来吗？」",
            "他问。",
            "（好。）",
            "“走吧。”",
            "“好。”",
            "走",
        ],
        ["彼は「はい。」と言った。", "それから行った。"],
        ["我走!", "你呢?", "好"],
        ["वह गया।", "वह आया।", "यह"],
        ["သူသွားသည်။", "သူလာသည်။"],
        ["ខ្ញុំទៅ។", "គាត់មក។"],
        ["ผมไป!", "ครับ"],
        ["３．５度です。", "はい"],
    ],
)
def test_scripts_whose_sentences_need_no_space(expected):
    assert sentences("".join(expected), "xx") == expected


NOT_ENDS = [
    "It was 3.5 degrees, 1,234.56 or 10.30 in the end",
    "Wait... what did he say … now",
    "It is approx. five of them, e.g. six, i.e. seven",
    "He works at Yahoo! today (or tomorrow?) and then",
    "See www.example.org or a.b/c?d=e for it",
    "Der Preis ist ca. drei Euro, z. b. heute",
    "J. R. R. Ek and A. Bo-J. Li wrote it",
    "今天是3.5度，１．５度",
    "ราคา 3.5 บาท ใน พ.ศ.2560",
]


@pytest.mark.usefixtures("_no_sentencex")
@pytest.mark.parametrize("text", NOT_ENDS)
def test_what_ends_no_sentence(text):
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", ["Mr. Ek of the U.S. Senate met Dr. Bo.", "J. Ek paid No. 5."]),
        ("de", ["Am 3. Mai kam z. B. Dr. Ek.", "Er blieb."]),
    ],
)
def test_sentencex_says_which_stops_end_none(lang, expected):
    assert sentences(" ".join(expected), lang) == expected


@pytest.mark.usefixtures("_any_installation")
def test_what_is_too_long_is_cut_where_a_sentence_may_end_before_clauses():
    def count(texts):
        return [len(text.split()) for text in texts]

    text = (
        "this is all lower case, and long enough. the next one is so, too, like the first. and so"
    )
    assert split_text(text, 9, count, "en") == [
        "this is all lower case, and long enough.",
        "the next one is so, too, like the first.",
        "and so",
    ]
    without_space = "In a text of the web.The space is often missing!Then this helps"
    assert cut_text(without_space, doubtful_cuts("xx")(without_space)) == [
        "In a text of the web.",
        "The space is often missing!",
        "Then this helps",
    ]
    assert sentences(without_space, "xx")[0] != "In a text of the web."


def test_sentences_of_every_script_are_split_on_request():
    assert load_splitter("km")("ខ្ញុំទៅ។ គាត់មក។") == ["ខ្ញុំទៅ។", "គាត់មក។"]
    for terminal in TERMINALS[:-2]:
        text = f"One is here{terminal} Two is there"
        assert load_splitter("xx")(text) == text.replace(f"{terminal} ", f"{terminal}|").split("|")


def test_every_comma_of_unicode_ends_a_clause():
    for comma in COMMAS:
        assert clause_cuts(f"One is{comma} two") == [8], ascii(comma)
    assert clause_cuts("１，０００ or 2,000") == []


def test_spaces_without_width_and_tsheg_separate_words():
    assert cut_text("ខ្ញុំ\u200bទៅ", word_cuts("ខ្ញុំ\u200bទៅ")) == ["ខ្ញុំ\u200b", "ទៅ"]
    assert cut_text("བོད་ཡིན", word_cuts("བོད་ཡིན")) == ["བོད་", "ཡིན"]


def test_no_space_joins_chinese_after_closing_marks():
    assert join_parts(["他说：“好。”", "我走了。"]) == "他说：“好。”我走了。"
    assert join_parts(["𠮷𠮷", "a"]) == "𠮷𠮷a"
    assert join_parts(["안녕.", "네."]) == "안녕. 네."


@pytest.mark.usefixtures("_any_installation")
@pytest.mark.parametrize(
    "text",
    ["。」" * 20_000, " »" * 20_000, ". »" * 20_000, '. "' * 20_000, "(((." * 20_000, "α;" * 20_000,
     "፡" * 50_000, "." + '"' * 50_000],
    ids=["corners", "guillemets", "spaced", "quotes", "brackets", "Greek", "wordspace", "one"],
)  # fmt: skip
def test_marks_without_sense_take_linear_time(text):
    started = time.process_time()
    find_sentence_ends(text)
    cuts = doubtful_cuts("en")(text)
    clause_cuts(text)
    assert "".join(cut_text(text, cuts)).replace(" ", "") == text.replace(" ", "")
    assert time.process_time() - started < 5
