"""What is odd about a text is found, counted and shown."""

import html.entities

import pytest

from mtcli.evaluation.odd_texts import (
    Finding,
    NamedTexts,
    Oddity,
    blank,
    escaped,
    has_four_words,
    odd_references,
    odd_text,
    short,
    shown,
    tokenized,
    unspaced,
)


def named(*texts, name="ref.txt", unit="line"):
    return NamedTexts(name, texts, unit)


def oddities(findings):
    return [finding.oddity for finding in findings]


# --------------------------------------------------------------------------------------- tokenized


@pytest.mark.parametrize(
    "text",
    [
        "the miller , who sleeps , dreams .",
        "rain .",
        "the mil@@ ler sleeps",
        "a well @-@ known mill",
        "it &apos;s raining",
        "fish &amp; chips",
        "a &#124; b",
        "\u2581Rain \u2581fall s",
        "Rain fall \uffeds",
        "rain fall ##s",
        "it 's raining",
        "it does n't rain",
        "-LRB- rain -RRB-",
        "我们 去 公园 。",
    ],
)
def test_tokenized(text):
    assert tokenized(named(text))
    assert tokenized(named(text, "plain text.", "", " "))


@pytest.mark.parametrize(
    "text",
    [
        "The miller, who sleeps, dreams.",
        "Combien ? Trop !",
        "... and then",
        "The file .bashrc, and .5 litres",
        "a @ b",
        "Mr. Miller",
        "It's the dogs' mill, isn't it?",
        "rock 'n' roll",
        "' said he",
        "### Rain ##",
        "我们去公园。 雨，停了。",
        ".",
        "",
    ],
)
def test_plain(text):
    assert odd_text(named(text)) == []


def test_a_few_tokenized_lines_do_not_count():
    assert not tokenized(named(*["rain ."] * 25, *["rain."] * 75, *[""] * 900))
    assert not tokenized(named())
    found = tokenized(named(*["rain."] * 74, *["rain ."] * 26, *[""] * 900))
    assert found == Finding(
        Oddity.TOKENIZED,
        "ref.txt looks tokenised: 26 of 100 lines, for example line 75, `rain .`; BLEU and mtcli"
        " tokenise text themselves, so only scores on plain text are comparable",
    )


# ----------------------------------------------------------------------------------------- escaped


def test_every_entity_of_html():
    """The standard library knows all of them; those without a semicolon may be words."""
    for name in html.entities.html5:
        assert bool(escaped(named(f"a &{name} b"))) == name.endswith(";"), name


def test_entities_by_number():
    for text in ("it&#39;s", "a&#8239;b", "&#x27;a", "&#X2019;", "&#124;"):
        assert escaped(named(text)), text
    for text in ("R&D; AT&T", "a & b;", "&unknown;", "&#;", "&#xyz;", "?a=1&amp=2", "&"):
        assert not escaped(named(text)), text


def test_a_few_escaped_lines_do_not_count():
    assert not escaped(named("Q&#65;", *["a"] * 99))
    found = escaped(named(*["a"] * 98, "R&D says &lt;b&gt;", "x &gt; y"))
    assert found == Finding(
        Oddity.ESCAPED,
        "ref.txt has escaped characters: 2 of 100 lines, for example line 99, `R&D says"
        " &lt;b&gt;`; `&lt;` is text, not `<`",
    )


# ------------------------------------------------------------------------------------------- blank


def test_blank_lines_are_odd_where_the_other_side_is_not():
    text = named("a", "", "  ", "\u3000", "b", name="the target side", unit="pair")
    assert blank(text, ["a", "", "x", "y z", "b"]) == Finding(
        Oddity.BLANK,
        "the target side has blank lines: 2 of 5 pairs, for example pair 3, beside `x`; these match"
        " nothing, so scores are too low",
    )
    assert blank(text, ["a", "", " ", "\t", "b"]) is None


# ---------------------------------------------------------------------------------------- unspaced


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("我们去公园。", "`zh` or `ja`"), ("犬が走る。", "`ja`"), ("イヌ", "`ja`"),
        ("いぬがはしる", "`ja`"),
        ("GPU 上的模型", "`zh` or `ja`"), ("หมาวิ่งในสวน", "`th`"), ("ໝາແລ່ນ", "`lo`"),
        ("ឆ្កែរត់", "`km`"), ("ခွေးပြေးသည်", "`my`"), ("ཁྱི་རྒྱུག་གི་འདུག", "`bo`"),
        ("ꦏꦸꦕꦶꦁ", ""), ("ᬓᬸᬘᬶᬂ", ""), ("ᥐᥣᥛ", ""), ("ᦀᦱ", ""), ("ꪀꪱ", ""), ("ᨲᩫ᩠ᩅ", ""), ("ꆈꌠꁱꂷ", ""),
    ],
)  # fmt: skip
def test_scripts_without_spaces_between_words(text, languages):
    found = unspaced(named(text, "A dog runs."))
    assert found is not None
    assert found.languages == languages
    assert found.sentence == (
        f"ref.txt has no spaces between words: 1 of 2 lines, for example line 1, `{text}`; BLEU"
        " would take whole sentences for words"
    )
    assert oddities(odd_references(named(text), [text], "de", None)) == [Oddity.UNSPACED]
    assert odd_references(named(text), [text], "th", None) == []
    assert odd_references(named(text), [text], "de", "13a") == []


@pytest.mark.parametrize(
    "text",
    [
        "A dog runs.", "Ein Hund läuft.", "개가 뛴다.", "कुत्ता दौड़ता है।", "ውሻ ይሮጣል።",
        "الكلب يجري", "",
        "The sign says 出口, which is the way out.", "👍👍👍 😀", "☃ ☀ ★", "𓂀", "ኣ", "⠓⠥⠝⠙",
    ],
)  # fmt: skip
def test_scripts_with_spaces_and_pictures(text):
    assert unspaced(named(text)) is None


def test_a_few_unspaced_lines_do_not_count():
    assert not unspaced(named(*["出口"] * 25, *["exit"] * 75))
    assert unspaced(named(*["出口"] * 26, *["exit"] * 74))


# ------------------------------------------------------------------------------------------- short


@pytest.mark.parametrize(
    ("texts", "lang", "tokenize", "expected"),
    [
        (["yes", "no", "not at all"], "en", None, False),
        (["yes", "not at all sure"], "en", None, True),
        (["yes, it is"], "en", None, True),  # the comma is a word
        (["yes, it is"], "en", "none", False),
        (["yes"], "en", "char", False),
        (["maybe"], "en", "char", True),
        (["是的"], "zh", None, False),
        (["是的。好"], "zh", None, True),
        (["ดี"], "th", None, False),
        (["ดีมาก"], "th", None, True),
        (["ดีมาก"], "en", None, False),
        ([], "en", None, False),
    ],
)
def test_four_words(texts, lang, tokenize, expected):
    assert has_four_words(texts, lang, tokenize) is expected
    references = [named(*texts, name="a"), named(*texts, name="b")]
    assert (short(references, lang, tokenize) is None) is expected if texts else True


def test_bleu_that_can_only_be_zero():
    references = [named("", "yes", name="a"), named("no", "not sure", name="b")]
    assert short(references, "en", None) == Finding(
        Oddity.SHORT,
        "BLEU is 0.00 whatever the translations are: no line of a has four words as BLEU counts"
        " them, for example line 2, `yes`",
    )
    assert short([*references, named("x", "this has four words")], "en", None) is None


# -------------------------------------------------------------------------------------- references


def test_who_says_that_text_is_tokenized_is_not_told():
    reference = named("it &apos;s raining .")
    assert oddities(odd_references(reference, ["a"], "en", None)) == [
        Oddity.TOKENIZED,
        Oddity.ESCAPED,
    ]
    assert odd_references(reference, ["a"], "en", "none") == []


def test_an_example_is_short():
    assert shown(" " + "a" * 60 + " ") == f"`{'a' * 60}`"
    assert shown("a" * 61) == f"`{'a' * 60}...`"
