"""The tables name only what exists, and what exists is used often enough to be learned."""

from collections import Counter

import pytest

from scripts.demo_corpus import verbs as verb_tables
from scripts.demo_corpus.adjectives import ADJECTIVES, OPPOSITES
from scripts.demo_corpus.function_words import CITIES, NAMES
from scripts.demo_corpus.nouns import NOUNS
from scripts.demo_corpus.phrases import adjectives_of
from scripts.demo_corpus.places import GOALS, SPOTS
from scripts.demo_corpus.words import Verb

KINDS = frozenset().union(*(noun.kinds for noun in NOUNS))
VERBS = [
    verb
    for table in vars(verb_tables).values()
    for verb in (table if isinstance(table, tuple) else [table])
    if isinstance(verb, Verb)
]


def test_no_word_comes_twice():
    for words in (
        [noun.english for noun in NOUNS],
        [noun.german for noun in NOUNS],
        [adjective.german for adjective in ADJECTIVES],
    ):
        assert len(set(words)) == len(words)


@pytest.mark.parametrize("verb", VERBS, ids=[f"{v.name}-{v.german.infinitive}" for v in VERBS])
def test_a_verb_names_kinds_of_nouns_and_places_that_exist(verb):
    assert verb.subjects | verb.objects <= KINDS
    assert not verb.places or verb.places in {*SPOTS, *GOALS, "travelling"}


def test_adjectives_name_kinds_of_nouns_that_exist():
    for adjective in ADJECTIVES:
        assert adjective.fits <= KINDS, adjective.english
    names = {adjective.english for adjective in ADJECTIVES}
    assert frozenset().union(*OPPOSITES) <= names


def test_every_noun_of_a_described_kind_has_adjectives():
    described = [noun for noun in NOUNS if noun.kinds & {"person", "animal", "thing", "clothes"}]
    assert all(len(adjectives_of(noun)) >= 5 for noun in described)


def test_names_take_a_plain_genitive():
    assert not [name.text for name in NAMES if name.text.endswith(("s", "x", "z"))]


def test_every_lexical_word_is_frequent_in_training(splits):
    src, tgt = Counter(), Counter()
    for pair in splits["train"]:
        src.update(pair.src.lower().rstrip(".?!").replace(",", "").replace("'s", "").split())
        tgt.update(pair.tgt.lower().rstrip(".?!").replace(",", "").split())
    for noun in NOUNS:
        assert src[noun.english] + src[noun.english_plural] >= 60, noun.english
    for adjective in ADJECTIVES:
        assert src[adjective.english] >= 60, adjective.english
    for name in NAMES:
        assert src[name.text.lower()] >= 60
    for city in CITIES:
        assert tgt[city.german.lower()] >= 60
    for verb in VERBS:
        english = verb.english
        forms = {english.base, english.third, english.past, english.ing}
        assert sum(src[form] for form in forms) >= 60, verb.name


def test_the_test_split_has_hardly_a_word_that_training_lacks(splits):
    known = {word for pair in splits["train"] for word in pair.tgt.rstrip(".?!").split()}
    tested = [word for pair in splits["test"] for word in pair.tgt.rstrip(".?!").split()]
    unknown = [word for word in tested if word not in known]
    assert len(unknown) <= 0.01 * len(tested), unknown
