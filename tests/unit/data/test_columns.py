"""A header row is recognised, and a first pair is not taken for one."""

import random

import pytest

from mtcli.config.schema.data import DelimitedSource
from mtcli.data.columns import find_columns

SOURCE = DelimitedSource(kind="tsv", path="pairs.tsv")
SENTENCES = [
    ("A dog runs over the lawn.", "Ein Hund rennt über den Rasen."),
    ("Two men talk to each other.", "Zwei Männer reden miteinander."),
    ("No.", "Nein."),
]


def has_header(first, body, source=SOURCE):
    return find_columns(source, [first, *body]).has_header


@pytest.mark.parametrize(
    "header",
    [
        ("source", "target"), ("Source", "Target"), ("src", "tgt"), ("src_text", "tgt_text"),
        ("en", "de"), ("EN", "DE"), ("en-US", "de-DE"), ("pt_BR", "en_GB"), ("eng", "deu"),
        ("English", "German"), ("english", "Deutsch"), ("sentence1", "sentence2"),
        ("Source (en)", "Target (de)"), ("text.en", "text.de"), ("original", "translation"),
        ("translation_en", "translation_de"), ("lang_en", "lang_fr"), ("Source text", "MT"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("num_rows", [0, 1, 300])
def test_usual_headers(header, num_rows):
    if "." in "".join(header):
        header = tuple(name.replace(".", " ") for name in header)
    found = find_columns(SOURCE, [header, *(SENTENCES * num_rows)[:num_rows]])
    assert found.has_header
    assert found.is_guess
    assert found.names == header


def test_usual_words_show_among_short_words():
    assert has_header(("source", "target"), [("ba ce", "BA CE"), ("di", "DI")] * 30)


def test_unusual_names_show_among_many_sentences():
    header = ("Kiswahili", "Yorùbá")
    assert has_header(header, SENTENCES[:2] * 10)
    assert not has_header(header, SENTENCES[:2])  # too few rows to tell
    headings = [("Opening", "Eröffnung")] * 5
    assert not has_header(header, [*SENTENCES[:2] * 10, *headings])


@pytest.mark.parametrize(
    "first",
    [
        ("Resumption of the session", "Wiederaufnahme der Sitzungsperiode"),
        ("A dog runs.", "Ein Hund rennt."),
        ("Go.", "Geh."),
        ("Hi!", "Hallo!"),
        ("1", "2"),
        ("2020", "2021"),
        ("Hello, world", "Hallo, Welt"),
        ("", ""),
        ("en", "en"),
        ("Please rise, then, for this minute's silence", "Ich bitte Sie, sich zu erheben"),
    ],
)
def test_a_first_pair_is_a_pair(first):
    assert not has_header(first, SENTENCES[:2] * 200)


def test_the_first_pair_of_a_dictionary_is_a_pair():
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdefg", k=generator.randint(2, 6))) for _ in range(400)]
    pairs = list(zip(words[:200], words[200:], strict=True))
    for first in (("dog", "Hund"), ("to", "zu"), ("house", "Haus"), pairs[0]):
        assert not has_header(first, pairs)


def test_the_key_wins_over_the_look():
    rows = [("source", "target"), *SENTENCES]
    for header in (True, False):
        source = DelimitedSource(kind="tsv", path="pairs.tsv", header=header)
        found = find_columns(source, rows)
        assert found.has_header == header
        assert not found.is_guess
    named = DelimitedSource(kind="tsv", path="pairs.tsv", src_column="A dog", tgt_column=1)
    assert find_columns(named, [("A dog", "Ein Hund")]).has_header


def test_only_the_chosen_columns_are_looked_at():
    rows = [("1", "en", "de"), *(("2", *pair) for pair in SENTENCES)]
    source = DelimitedSource(kind="tsv", path="pairs.tsv", src_column=1, tgt_column=2)
    assert has_header(rows[0], rows[1:], source)
    assert not has_header(rows[0], rows[1:])
