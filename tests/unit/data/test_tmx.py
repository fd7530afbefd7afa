"""TMX files are streamed, their languages are found, and no file is a bomb."""

import gzip
import tracemalloc

import pytest

from mtcli.config.schema.data import TmxSource
from mtcli.data.dropped import Dropped
from mtcli.data.tmx import read_tmx
from mtcli.errors import DataError

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'


def unit(*variants, attribute="xml:lang"):
    inner = "".join(
        f'<tuv {attribute}="{lang}"><prop type="x">no</prop><seg>{text}</seg></tuv>\n'
        for lang, text in variants
    )
    return f'<tu tuid="1"><note>no</note>{inner}</tu>\n'


def tmx(*units):
    header = '<header srclang="en" datatype="plaintext"><prop>no</prop></header>'
    return f'{HEAD}<tmx version="1.4">{header}<body>{"".join(units)}</body></tmx>\n'


@pytest.fixture
def source(tmp_path):
    def write(content, src_lang="en", tgt_lang="de"):
        path = tmp_path / "a.tmx"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return TmxSource(kind="tmx", path=path, src_lang=src_lang, tgt_lang=tgt_lang)

    return write


def read(source, dropped=None):
    return list(read_tmx(source, dropped or Dropped()))


def refusal(source):
    with pytest.raises(DataError) as caught:
        read(source)
    return str(caught.value)


def test_pairs_whatever_the_order_of_the_languages(source):
    content = tmx(
        unit(("en", "A dog."), ("de", "Ein Hund.")),
        unit(("de", "Katze &amp; Maus"), ("fr", "x"), ("en", "cat &lt;&#62; mouse")),
    )
    pairs = [("A dog.", "Ein Hund."), ("cat <> mouse", "Katze & Maus")]
    assert read(source(content)) == pairs
    assert read(source(content, "de", "en")) == [pair[::-1] for pair in pairs]


@pytest.mark.parametrize(
    ("langs", "wanted"),
    [
        (("en-US", "de-DE"), ("en", "de")),
        (("EN_us", "DE"), ("en", "de-AT")),
        (("en-GB", "en-US"), ("en-GB", "en-US")),
        (("zh-Hans-CN", "de"), ("zh-Hans", "de")),
    ],
)
def test_more_or_fewer_parts_of_a_tag_match(source, langs, wanted):
    content = tmx(unit((langs[0], "s"), (langs[1], "t")))
    assert read(source(content, *wanted)) == [("s", "t")]


def test_the_very_tag_wins_over_a_longer_one(source):
    content = tmx(unit(("en-US", "color"), ("en", "colour"), ("de-AT", "a"), ("de", "b")))
    assert read(source(content)) == [("colour", "b")]


def test_inline_codes_are_removed(source):
    text = (
        'Click <bpt i="1">&lt;b&gt;<sub>x</sub></bpt><hi>here</hi><ept i="1">&lt;/b&gt;</ept>,'
        "<ph>&lt;br/&gt;</ph>or <it pos='begin'>x</it>th<ut>x</ut>ere."
    )
    assert read(source(tmx(unit(("en", text), ("de", "x\n   y\t\u00a0z "))))) == [
        ("Click here, or th ere.", "x y \u00a0z")
    ]


def test_tmx_1_1_has_another_attribute(source):
    content = tmx(unit(("en", "s"), ("de", "t"), attribute="lang"))
    assert read(source(content)) == [("s", "t")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_packed_and_in_the_encoding_that_it_declares(source, encoding, pack):
    declared = encoding.removesuffix("-sig")
    content = tmx(unit(("en", "café"), ("de", "Kaffee"))).replace("UTF-8", declared)
    assert read(source(pack(content.encode(encoding)))) == [("café", "Kaffee")]


def test_units_without_both_languages_are_counted(source):
    one_side = [unit(("en", "s"), ("fr", "u"))] * 2
    dropped = Dropped()
    found = source(tmx(unit(("en", "s"), ("de", "t")), *one_side, unit()))
    assert read(found, dropped) == [("s", "t")]
    assert list(dropped.warnings()) == [
        f"{found.path}: dropped 3 units without `en` and `de`; the first has en, fr alone"
    ]


def test_languages_that_are_not_there_are_named_with_those_that_are(source):
    broken = source(tmx(unit(("en", "s"), ("de", "t")), unit(("en", "s"))), "en", "fr")
    assert refusal(broken) == (
        f"{broken.path} has no unit with `en` and `fr`; its languages are en (2), de (1)\n"
        "hint: set `src_lang` and `tgt_lang` of the source to languages of the file"
    )


def test_the_same_language_twice_needs_two_texts(source):
    broken = source(tmx(unit(("en-US", "s"))), "en", "en-US")
    assert "has no unit with" in refusal(broken)


def test_an_empty_memory_has_no_pairs(source):
    assert read(source(tmx())) == []


BOMBS = [
    # billion laughs
    '<!DOCTYPE tmx [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]>\n<tmx>&b;</tmx>',
    # quadratic blow-up
    '<!DOCTYPE tmx [<!ENTITY a "' + "x" * 1000 + '">]>\n<tmx>' + "&a;" * 1000 + "</tmx>",
    # a file of the machine
    '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<tmx>&a;</tmx>',
    '<!DOCTYPE tmx [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x.dtd"> %a;]>\n<tmx></tmx>',
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_entities_are_refused(source, bomb):
    broken = source(bomb)
    assert refusal(broken) == (
        f"{broken.path}, line 1 declares the entity `a`, which is not allowed, because entities can"
        " make a small file huge\nhint: write the texts without entities of their own"
    )


def test_an_external_dtd_is_not_read(source, tmp_path):
    (tmp_path / "tmx14.dtd").write_text('<!ENTITY a "x">')
    assert read(source(tmx(unit(("en", "s"), ("de", "t"))))) == [("s", "t")]


def test_a_text_without_end_is_refused(source):
    start = tmx(unit(("en", "s"), ("de", "t"))).partition("</seg>")[0]
    with pytest.raises(DataError, match="a text has more than 1,000,000 characters"):
        read(source(gzip.compress((start + "x" * 3_000_000).encode())))


def test_memory_does_not_grow_with_the_file(source):
    big = source(gzip.compress(tmx(unit(("en", "s" * 500), ("de", "t" * 500)) * 20_000).encode()))
    tracemalloc.start()
    assert sum(1 for _ in read_tmx(big, Dropped())) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # of 24 MB


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("source\ttarget\n", ", line 1 is not the XML of a TMX file: syntax error"),
        (tmx()[:-8], " is not the XML of a TMX file: "),
        ("<tmx><b>", ", line 1 is not the XML of a TMX file: no element found"),
        ("", " is not the XML of a TMX file: no element found"),
        ("<xliff></xliff>", " is XML, but not a TMX file: it has no element `tmx`"),
    ],
)
def test_what_is_no_tmx_is_one_sentence(source, content, sentence):
    broken = source(content)
    assert refusal(broken).startswith(str(broken.path))
    assert sentence in refusal(broken)
    assert "\n" not in refusal(broken)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"a\.tmx does not exist"):
        read(TmxSource(kind="tmx", path=tmp_path / "a.tmx", src_lang="en", tgt_lang="de"))
