"""Links between words, from attention between pieces."""

import unicodedata

import numpy as np
import pytest

from mtcli.translating.alignment import (
    AlignedPart,
    align_words,
    first_words,
    pharaoh,
    words_of_pieces,
)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([], []),
        (["▁a"], [0]),
        (["▁Ha", "us", "▁am", "▁See", "."], [0, 0, 1, 2, 2]),
        (["Ha", "us", "▁am"], [0, 0, 1]),
        (["▁", "Haus", "▁", "am"], [0, 0, 1, 1]),
        (["▁New▁York", "▁is"], [0, 2]),
        (["▁a▁", "b", "▁▁c"], [0, 1, 2]),
        (["▁a", "<0xE2>", "<0x82>", "▁b"], [0, 0, 0, 1]),
        (["▁a\u00a0b", "▁c"], [0, 2]),
        (["▁a", "▁"], [0, 1]),
    ],
)
def test_words_of_pieces(pieces, words):
    assert words_of_pieces(pieces) == words


def test_where_parts_begin():
    assert first_words("one two. Three four", ["one two.", "Three four"]) == [0, 2]
    assert first_words(" one  two. Three ", ["one", "two.", "Three"]) == [0, 1, 2]
    assert first_words("abcdef gh", ["abc", "def gh"]) == [0, 0]
    assert first_words("你好。再见。", ["你好。", "再见。"]) == [0, 0]
    assert first_words("a b", []) == []
    assert first_words("", [""]) == [0]


def attention(rows, num_src):
    array = np.full((len(rows), num_src), 0.01, np.float32)
    for target, source in enumerate(rows):
        array[target, source] = 0.5
    return array


def part(src_text, tgt_text, src_pieces, tgt_pieces, looks_at):
    src, tgt = src_pieces.split(), tgt_pieces.split()
    return AlignedPart(src_text, tgt_text, src, tgt, attention(looks_at, len(src)))


def test_words_are_linked_if_any_of_their_pieces_are():
    only = part("the big houses", "große Häuser", "▁the ▁big ▁house s", "▁gro ße ▁Häus er",
                [1, 0, 2, 3])  # fmt: skip
    links = align_words("the big houses", "große Häuser", [only], str)
    assert links == [(0, 0), (1, 0), (2, 1)]
    assert pharaoh(links) == "0-0 1-0 2-1"
    assert pharaoh([]) == ""


def test_parts_are_counted_on():
    parts = [
        part("a b.", "x y.", "▁a ▁b .", "▁x ▁y .", [1, 0, 2]),
        part("c d", "z", "▁c ▁d", "▁z", [1]),
    ]
    assert align_words("a b. c d", "x y. z", parts, str) == [(0, 1), (1, 0), (1, 1), (3, 2)]


def test_words_are_those_of_the_text_before_normalisation():
    # the normal form of U+00BD has three characters, that of U+00A8 a space: a word more
    def normalize(text):
        return unicodedata.normalize("NFKC", text)

    text = "a\u00a8 \u00bd b"
    assert len(normalize(text).split()) == 4
    only = part(text, "w x y z", "▁a ▁\u0308 ▁1\u20442 ▁b", "▁w ▁x ▁y ▁z", [0, 1, 2, 3])
    assert align_words(text, "w x y z", [only], normalize) == [(0, 0), (0, 1), (1, 2), (2, 3)]


def test_nothing_has_no_links():
    assert align_words("", "", [], str) == []
    assert align_words("a", "", [part("a", "", "▁a", "", [])], str) == []
    assert align_words("a", " ", [part("a", " ", "▁a", "▁", [0])], str) == []


def test_a_piece_of_nothing_but_space_at_the_end_links_to_the_last_word():
    only = part("a b", "x", "▁a ▁b", "▁x ▁", [0, 1])
    assert align_words("a b", "x", [only], str) == [(0, 0), (1, 0)]
