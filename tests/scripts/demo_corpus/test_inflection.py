"""Paradigms of both languages, written by hand."""

import pytest

from scripts.demo_corpus.adjectives import ADJECTIVES
from scripts.demo_corpus.function_words import (
    ALL,
    COUNTS,
    MANY,
    NO,
    POSSESSIVES,
    THE,
    THIS,
    WHERE,
    WHITHER,
)
from scripts.demo_corpus.german_words import adverbial, imperative, nominal, noun_form, present
from scripts.demo_corpus.nouns import NOUNS, english_plural
from scripts.demo_corpus.syntax import Description, NounPhrase, Prepositional
from scripts.demo_corpus.verb_forms import english_verb, german_verb
from scripts.demo_corpus.words import Case, Person

NOUN = {noun.english: noun for noun in NOUNS}
RED = next(adjective for adjective in ADJECTIVES if adjective.english == "red")
EXPENSIVE = next(adjective for adjective in ADJECTIVES if adjective.english == "expensive")

# Nominative, accusative, dative, genitive.
PARADIGMS = [
    (THE, "hat", False, "der rote Hut, den roten Hut, dem roten Hut, des roten Hutes"),
    (THE, "lamp", False, "die rote Lampe, die rote Lampe, der roten Lampe, der roten Lampe"),
    (THE, "car", False, "das rote Auto, das rote Auto, dem roten Auto, des roten Autos"),
    (THE, "hat", True, "die roten Hüte, die roten Hüte, den roten Hüten, der roten Hüte"),
    (THIS, "hat", False, "dieser rote Hut, diesen roten Hut, diesem roten Hut, dieses roten Hutes"),
    (
        THIS,
        "lamp",
        False,
        "diese rote Lampe, diese rote Lampe, dieser roten Lampe, dieser roten Lampe",
    ),
    (
        THIS,
        "car",
        False,
        "dieses rote Auto, dieses rote Auto, diesem roten Auto, dieses roten Autos",
    ),
    (NO, "hat", False, "kein roter Hut, keinen roten Hut, keinem roten Hut, keines roten Hutes"),
    (
        NO,
        "lamp",
        False,
        "keine rote Lampe, keine rote Lampe, keiner roten Lampe, keiner roten Lampe",
    ),
    (NO, "car", False, "kein rotes Auto, kein rotes Auto, keinem roten Auto, keines roten Autos"),
    (
        POSSESSIVES[4],
        "car",
        True,
        "unsere roten Autos, unsere roten Autos, unseren roten Autos, unserer roten Autos",
    ),
    (
        POSSESSIVES[4],
        "hat",
        False,
        "unser roter Hut, unseren roten Hut, unserem roten Hut, unseres roten Hutes",
    ),
    (ALL, "hat", True, "alle roten Hüte, alle roten Hüte, allen roten Hüten, aller roten Hüte"),
    (MANY, "hat", True, "viele rote Hüte, viele rote Hüte, vielen roten Hüten, vieler roter Hüte"),
    (
        COUNTS[0],
        "car",
        True,
        "zwei rote Autos, zwei rote Autos, zwei roten Autos, zwei roter Autos",
    ),
    (None, "hat", True, "rote Hüte, rote Hüte, roten Hüten, roter Hüte"),
    (None, "cheese", False, "roter Käse, roten Käse, rotem Käse, roten Käses"),
    (None, "milk", False, "rote Milch, rote Milch, roter Milch, roter Milch"),
    (None, "water", False, "rotes Wasser, rotes Wasser, rotem Wasser, roten Wassers"),
]


@pytest.mark.parametrize(("determiner", "noun", "is_plural", "forms"), PARADIGMS)
def test_articles_and_adjectives_agree_in_every_case(determiner, noun, is_plural, forms):
    phrase = NounPhrase(NOUN[noun], determiner, is_plural, Description(RED))
    assert ", ".join(" ".join(nominal(phrase, case)) for case in Case) == forms


def test_an_adjective_in_el_or_er_drops_its_vowel():
    phrase = NounPhrase(NOUN["hat"], THE, False, Description(EXPENSIVE))
    assert nominal(phrase, Case.NOMINATIVE) == ["der", "teure", "Hut"]
    assert EXPENSIVE.german_comparative == "teurer"


@pytest.mark.parametrize("name", ["boy", "student", "neighbor", "farmer", "policeman"])
def test_weak_nouns_take_n_in_all_but_the_nominative(name):
    forms = {noun_form(NOUN[name], case, False) for case in list(Case)[1:]}
    assert forms == {NOUN[name].german_plural}
    assert noun_form(NOUN[name], Case.NOMINATIVE, False) == NOUN[name].german


@pytest.mark.parametrize(
    ("name", "form"),
    [("child", "Kindern"), ("car", "Autos"), ("woman", "Frauen"), ("garden", "Gärten")],
)
def test_a_dative_plural_takes_n_where_it_can(name, form):
    assert noun_form(NOUN[name], Case.DATIVE, True) == form


@pytest.mark.parametrize(
    ("preposition", "noun", "words"),
    [
        (WHERE["in"], "garden", "im Garten"),
        (WHITHER["into"], "house", "ins Haus"),
        (WHITHER["into"], "garden", "in den Garten"),
        (WHERE["in"], "city", "in der Stadt"),
        (WHERE["at"], "station", "am Bahnhof"),
        (WHITHER["to"], "station", "zum Bahnhof"),
        (WHITHER["to"], "school", "zur Schule"),
        (WHERE["on_side"], "wall", "an der Wand"),
        (WHITHER["on_side"], "window", "ans Fenster"),
    ],
)
def test_prepositions_contract_with_the_article(preposition, noun, words):
    node = Prepositional(preposition, NounPhrase(NOUN[noun], THE))
    assert " ".join(adverbial(node)) == words


def test_prepositions_do_not_contract_with_other_determiners():
    node = Prepositional(WHERE["in"], NounPhrase(NOUN["garden"], THIS))
    assert adverbial(node) == ["in", "diesem", "Garten"]


# ich, du, er, wir, imperative
@pytest.mark.parametrize(
    ("notation", "forms"),
    [
        ("geben gibt gegeben", "gebe gibst gibt geben gib"),
        ("lesen liest gelesen", "lese liest liest lesen lies"),
        ("nehmen nimmt genommen du=nimmst", "nehme nimmst nimmt nehmen nimm"),
        ("essen isst gegessen", "esse isst isst essen iss"),
        ("fahren fährt gefahren", "fahre fährst fährt fahren fahr"),
        ("laden lädt geladen", "lade lädst lädt laden lade"),
        ("arbeiten arbeitet gearbeitet", "arbeite arbeitest arbeitet arbeiten arbeite"),
        ("tanzen tanzt getanzt", "tanze tanzt tanzt tanzen tanz"),
        ("füttern füttert gefüttert", "füttere fütterst füttert füttern füttere"),
        ("schreiben schreibt geschrieben", "schreibe schreibst schreibt schreiben schreib"),
    ],
)
def test_german_verbs_conjugate(notation, forms):
    verb = german_verb(notation)
    persons = list(Person)[:4]
    assert [*(present(verb, person) for person in persons), imperative(verb)] == forms.split()


@pytest.mark.parametrize(
    ("notation", "forms"),
    [
        ("buy bought", "buy buys bought buying"),
        ("carry", "carry carries carried carrying"),
        ("play", "play plays played playing"),
        ("wash", "wash washes washed washing"),
        ("go went", "go goes went going"),
        ("write wrote", "write writes wrote writing"),
        ("see saw", "see sees saw seeing"),
        ("swim swam", "swim swims swam swimming"),
        ("lie lay ing=lying", "lie lies lay lying"),
        ("have had", "have has had having"),
        ("place", "place places placed placing"),
    ],
)
def test_english_verbs_conjugate(notation, forms):
    verb = english_verb(notation)
    assert [verb.base, verb.third, verb.past, verb.ing] == forms.split()


@pytest.mark.parametrize(
    ("singular", "plural"),
    [("box", "boxes"), ("story", "stories"), ("boy", "boys"), ("church", "churches")],
)
def test_english_nouns_take_their_plural(singular, plural):
    assert english_plural(singular) == plural
