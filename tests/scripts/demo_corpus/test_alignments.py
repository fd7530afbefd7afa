"""Gold word alignments: by hand for a few sentences, and no word without a partner."""

from pathlib import Path

import pytest

from mtcli.evaluation.alignment_error import parse_gold
from scripts.demo_corpus.alignments import NUM_PAIRS, alignment_files, links_of
from scripts.demo_corpus.said import Word, comma, links, said, under

COMMITTED = Path(__file__).parents[2] / "data" / "alignments"

# English, German, sure links and possible links, as somebody would write them down
BY_HAND = [
    (
        "A poor farmer will find a dirty coat on a street on Saturday.",
        "A-Ein poor-armer farmer-Bauer will-wird find-finden. a-einen dirty-schmutzigen"
        " coat-Mantel on-auf a-einer street-Straße on-am Saturday.-Samstag",
        "will-finden. find-wird",
    ),
    (
        "Her grandmother looked for the hungry man whom he is thanking.",
        "Her-Ihre grandmother-Großmutter looked-gesucht, the-den hungry-hungrigen man-Mann"
        " whom-dem he-er thanking.-dankt.",
        "looked-hat for-hat for-gesucht, is-dankt.",
    ),
    (
        "My neighbor will sing at the station.",
        "My-Mein neighbor-Nachbar will-wird sing-singen. at-am the-am station.-Bahnhof",
        "will-singen. sing-wird",
    ),
    (
        "You are going into his old garden to feed a horse.",
        "You-Du going-gehst into-in his-seinen old-alten garden-Garten, to-um feed-füttern. a-ein"
        " horse.-Pferd",
        "are-gehst to-zu",
    ),
]


@pytest.mark.parametrize(("english", "sure", "possible"), BY_HAND)
def test_links_are_those_that_somebody_would_draw(splits, english, sure, possible):
    (pair,) = [pair for pair in splits["test"] if pair.src == english]
    found = links_of(pair)
    src, tgt = pair.src.split(), pair.tgt.split()

    def words(of):
        return sorted(f"{src[i]}-{tgt[k]}" for i, k in of)

    assert words(found.sure) == sorted(sure.split())
    assert words(found.possible) == sorted(possible.split())


def test_every_word_has_a_partner(splits):
    for pair in splits["test"]:
        sure, possible = links_of(pair)
        for side, text in enumerate((pair.src, pair.tgt)):
            linked = {link[side] for link in sure | possible}
            assert linked == set(range(len(text.split()))), (pair.src, pair.tgt)
        assert sure
        assert not sure & possible


def test_the_committed_alignments_are_the_generators_and_those_of_the_first_test_pairs(splits):
    files = alignment_files(splits["test"])
    for name, content in files.items():
        assert (COMMITTED / name).read_bytes() == content, name
    demo = Path(__file__).parents[3] / "data" / "demo"
    for lang in ("en", "de"):
        lines = (demo / f"test.{lang}").read_text(encoding="utf-8").splitlines()
        assert files[f"gold.{lang}"].decode().splitlines() == lines[:NUM_PAIRS]
    gold = files["gold.align"].decode().splitlines()
    assert len(gold) == NUM_PAIRS == 200
    assert all(parse_gold(line, "gold", 1).sure for line in gold)


@pytest.mark.parametrize(
    ("english", "german", "expected"),
    [
        ("in the morning", "am Morgen", "0-0 1-0 2-1"),
        ("by bus", "mit dem Bus", "0-0 1-1 1-2"),
        ("next to", "neben", "0-0 1-0"),
        ("home", "nach Hause", "0-0 0-1"),
        ("this evening", "heute Abend", "0-0 1-1"),
    ],
)
def test_phrases_are_linked_word_by_word(english, german, expected):
    src, tgt = [said(english, "fixed")], [comma(), said(german, "fixed")]
    assert links(src, tgt).pharaoh() == expected


def test_words_are_linked_by_what_they_say_wherever_it_is():
    src = under("first", [said("is", "finite", possible="verb"), said("buying", "verb")])
    tgt = under("first", [said("kauft", "verb", possible="finite")])
    assert links(src, tgt).pharaoh() == "0p0 1-0"
    elsewhere = under("second", [said("kauft", "verb", possible="finite")])
    assert links(src, elsewhere).pharaoh() == ""
    assert isinstance(src[0], Word)
    joined = said("in", "preposition").joined(under("object", [said("dem", "determiner")])[0], "im")
    the = under("object", [said("the", "determiner")])
    assert links([said("in", "preposition"), *the], [joined]).pharaoh() == "0-0 1-0"
