"""The vocabulary that `preset: auto` chooses can be trained, whatever the text is like."""

import random
from dataclasses import replace

import pytest

from mtcli.config.auto.facts import Machine
from mtcli.config.auto.rules import choose_recipe
from mtcli.config.schema.tokenizer import TokenizerConfig
from mtcli.data.facts import facts_of
from mtcli.data.statistics import corpus_statistics
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.tokenizer.train import train_tokenizers

DRAW = random.Random(7)


def signs(first, number, length):
    """A sentence without spaces, of frequent and rare signs of a script."""
    return "".join(
        chr(first + min(number - 1, int(DRAW.paretovariate(0.5)) - 1)) for _ in range(length)
    )


def words(first, number, length):
    """A sentence of words with spaces between."""
    return " ".join(signs(first, number, DRAW.randint(1, 8)) for _ in range(length))


def pairs(src, tgt, size):
    """Made of two functions."""
    return [(src(), tgt()) for _ in range(size)]


LATIN = (ord("a"), 26)
CORPORA = {
    "one pair": [("hello world", "hallo Welt")],
    "one pair of one letter": [("a", "b")],
    "ten words": pairs(
        lambda: " ".join(DRAW.choices(["ba", "ce", "di", "fo", "gu"], k=5)),
        lambda: " ".join(DRAW.choices(["ha", "je", "ki", "lo", "mu"], k=5)),
        200,
    ),
    "Latin": pairs(lambda: words(*LATIN, 9), lambda: words(*LATIN, 9), 400),
    "Chinese": pairs(lambda: signs(0x4E00, 3000, 20), lambda: words(*LATIN, 9), 400),
    "few pairs of Chinese": pairs(lambda: signs(0x4E00, 3000, 20), lambda: words(*LATIN, 9), 20),
    "Thai": pairs(lambda: signs(0x0E01, 46, 40), lambda: words(*LATIN, 9), 400),
    "Arabic": pairs(lambda: words(0x0621, 36, 9), lambda: words(*LATIN, 9), 400),
    "Korean and Japanese": pairs(
        lambda: words(0xAC00, 2000, 6), lambda: signs(0x3041, 80, 20), 400
    ),
    "numbers": pairs(lambda: str(DRAW.random()), lambda: str(DRAW.random()), 400),
    "signs that are normalised": pairs(
        lambda: words(0xFF21, 26, 5), lambda: words(0x1D400, 26, 5), 300
    ),
    "most texts too long": [
        *pairs(lambda: words(*LATIN, 900), lambda: words(*LATIN, 900), 10),
        ("a dog", "ein Hund"),
    ],
    "repeated": pairs(lambda: words(*LATIN, 9), lambda: words(*LATIN, 9), 5) * 100,
}
SETTINGS = [
    {},
    {"byte_fallback": False},
    {"shared": False},
    {"algorithm": "unigram"},
    {"character_coverage": 1.0},
]


@pytest.mark.parametrize("given", SETTINGS, ids=str)
@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_it_can_be_trained(tmp_path, corpus, given):
    if given.get("algorithm") == "unigram" and len(corpus) < 12:
        pytest.skip("a unigram model of so little text has no size to choose")
    facts = facts_of(corpus_statistics(corpus))
    chosen = choose_recipe(facts, Machine(), {"tokenizer": given}).values["tokenizer"]
    config = replace(TokenizerConfig(), **(given | chosen))
    files = train_tokenizers(lambda: corpus, config, seed=1, folder=tmp_path)
    for file in files.values():
        assert SentencePieceTokenizer(file).vocab_size == config.vocab_size
