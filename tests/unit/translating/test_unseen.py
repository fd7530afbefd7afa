"""Which characters of a source count as unseen, for every kind of tokenizer and character."""

import unicodedata

import pytest

from mtcli.decoding.options import Hypothesis
from mtcli.translating.answer import join_answer
from mtcli.translating.unseen import UnseenCharacters
from tests.support.tokenizers import ToyTokenizer, sentences, tokenizer

TOKENIZERS = {
    "bytes": {},
    "no bytes": {"byte_fallback": False, "vocab_size": 90},
    "unigram": {"algorithm": "unigram"},
    "case folded": {"src_normalization": "nmt_nfkc_cf", "tgt_normalization": "nmt_nfkc_cf"},
}
SEEN = frozenset("".join(sentences()))


def find(model, text, seen=None):
    parts = [model.encode(half) for half in (text[: len(text) // 2], text[len(text) // 2 :])]
    return UnseenCharacters(model, seen).find(text, parts)


@pytest.mark.parametrize("settings", TOKENIZERS.values(), ids=TOKENIZERS)
@pytest.mark.parametrize("seen", [None, SEEN], ids=["tokenizer alone", "characters of training"])
def test_text_of_the_training_is_seen_whatever_its_words(settings, seen):
    model = tokenizer(**settings)
    for text in (*sentences(20), "tarok ilsh bdr.", "  ba \t ko\u00a0", "", " "):
        assert find(model, text, seen) == ""


@pytest.mark.parametrize("settings", TOKENIZERS.values(), ids=TOKENIZERS)
@pytest.mark.parametrize("seen", [None, SEEN], ids=["tokenizer alone", "characters of training"])
def test_every_other_character_is_unseen(settings, seen):
    """Of all planes of Unicode, except what the tokenizer removes, or reads as seen ones."""
    model = tokenizer(**settings)
    finder = UnseenCharacters(model, seen)
    num_unseen = 0
    for code in [*range(0x20, 0x3000), *range(0x3000, 0x20000, 97), *range(0x1F300, 0x1FAFF, 5)]:
        character = chr(code)
        if unicodedata.category(character) in ("Cs", "Cc", "Cn"):
            continue
        text = f"ba{character}ko"
        read = model.normalize(text)
        expected = "".join(dict.fromkeys(c for c in read if c not in SEEN and not c.isspace()))
        assert finder.find(text, [model.encode(text)]) == expected, hex(code)
        num_unseen += bool(expected)
    assert num_unseen > 9_000


def test_each_is_named_once_in_the_order_of_the_text():
    assert (
        find(tokenizer(), "ba \U0001f606 ko \u00df\U0001f606 \u00e9\u00df")
        == "\U0001f606\u00df\u00e9"
    )


def test_what_only_the_other_side_had_is_unseen_although_it_has_a_piece():
    """A vocabulary is shared, but the embedding of a target's letter was never read."""
    assert find(tokenizer(), "ba ko.") == ""
    assert find(tokenizer(), "ba ko.", SEEN - {"k"}) == "k"


def test_a_rare_character_that_training_spelled_as_bytes_is_seen():
    assert find(tokenizer(), "ba \u00df", SEEN | {"\u00df"}) == ""


def test_pieces_are_judged_when_they_first_come():
    finder = UnseenCharacters(ToyTokenizer(), SEEN)  # of a million pieces
    for text, unseen in (("ba", ""), ("b\u00e9", "\u00e9"), ("\u00e9b", "\u00e9"), ("ba", "")):
        assert finder.find(text, [ToyTokenizer().encode(text)]) == unseen


def test_the_flag():
    parts = [[Hypothesis((70,), True, -0.1, -0.1)]]
    arguments = {"is_repeated": False, "is_over_limit": False}
    answer = join_answer(parts, ToyTokenizer(), **arguments, unseen="\u00e9")
    assert (answer.flags, answer.unseen) == (("unseen",), "\u00e9")
    assert join_answer(parts, ToyTokenizer(), **arguments).flags == ()
