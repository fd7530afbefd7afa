"""Draws clauses with `be`: what somebody or something is like, where it is, what it costs."""

from __future__ import annotations

from dataclasses import replace

from scripts.demo_corpus.adjectives import UNGRADED
from scripts.demo_corpus.clauses import Plan, allows_negation
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import BIG_NUMBERS, SMALL_NUMBERS, TOO, VERY, A
from scripts.demo_corpus.nouns import ANIMALS, PERSONS
from scripts.demo_corpus.phrases import (
    DEFINITE,
    Use,
    adjectives_of,
    noun_phrase,
    nouns_of,
    person,
    spot,
    two_adjectives,
)
from scripts.demo_corpus.places import SPOTS
from scripts.demo_corpus.syntax import (
    Clause,
    Comparison,
    Description,
    Expletive,
    Measure,
    Nominal,
    NounPhrase,
)
from scripts.demo_corpus.verbs import BE, COST, EXIST, RAIN, SNOW
from scripts.demo_corpus.words import Adjective, Fixed, Noun, Tense, kind_set

FEELINGS = frozenset({"happy", "sad", "tired", "hungry", "sick"})
_DESCRIBED = nouns_of(
    kind_set(
        "person animal food drink clothes thing furniture vehicle place text idea part plant event"
    )
)
_COMPARABLE = kind_set(
    "person animal food drink clothes dishes device furniture vehicle building outdoors town way "
    "room_like text idea part"
)
_PRICED = nouns_of(kind_set("thing clothes furniture"))
_EXISTING = nouns_of(EXIST.objects)
_WORKERS = tuple(noun for noun in PERSONS if "worker" in noun.kinds and noun.gender == "m")
_MEN = tuple(
    noun for noun in PERSONS if noun.gender == "m" and noun.kinds & {"kin", "neighbor", "friend"}
)
_PLAIN = Use(plural=0.2, adjective=0.1)


def state(dice: Dice, plan: Plan) -> Clause:
    """A clause with `be`, or one with a price."""
    kind = dice.weighted(
        (
            (5, _quality),
            (2, _two_qualities),
            (3, _comparison),
            (2, _whereabouts),
            (1, _work),
            (1, _age),
            (1, _price),
        )
    )
    clause = kind(dice)
    if clause.verb is BE and dice.chance(0.3):
        clause = replace(clause, tense=Tense.PAST)
    is_negatable = clause.subject is not None and allows_negation(clause.subject)
    return replace(clause, is_negated=is_negatable and dice.chance(plan.negation))


def _subject(dice: Dice) -> tuple[NounPhrase, Noun]:
    noun = dice.pick(_DESCRIBED)
    return noun_phrase(
        dice, noun, replace(_PLAIN, plural=0.0 if "mass" in noun.kinds else 0.2)
    ), noun


def described(dice: Dice, adjective: Adjective) -> Description:
    """The adjective behind a verb, at times with `very` or `too`."""
    if adjective.english in UNGRADED:
        return Description(adjective)
    return Description(adjective, degree=dice.weighted(((7, None), (2, VERY), (1, TOO))))


def _quality(dice: Dice) -> Clause:
    phrase, noun = _subject(dice)
    return Clause(BE, phrase, predicate=described(dice, dice.pick(adjectives_of(noun))))


def _two_qualities(dice: Dice) -> Clause:
    phrase, noun = _subject(dice)
    pair = two_adjectives(dice, noun)
    if pair is None:
        return _quality(dice)
    phrase = replace(phrase, description=None)
    return Clause(BE, phrase, predicate=Description(*pair))


def _comparison(dice: Dice) -> Clause:
    phrase, noun = _subject(dice)
    graded = [a for a in adjectives_of(noun) if a.english not in UNGRADED | FEELINGS]
    if not graded or not noun.kinds & _COMPARABLE:
        return _quality(dice)
    adjective = dice.pick(graded)
    alike = tuple(n for n in nouns_of(adjective.fits) if n.kinds & noun.kinds & _COMPARABLE)
    standard = noun_phrase(dice, dice.pick(alike), replace(DEFINITE, adjective=0.0))
    phrase = replace(phrase, description=None)
    return Clause(BE, phrase, predicate=Comparison(adjective, standard, dice.chance(0.3)))


def _whereabouts(dice: Dice) -> Clause:
    if dice.chance(0.5):
        who: Nominal = person(dice)
        return Clause(
            BE, who, place=spot(dice, SPOTS[dice.pick(("working", "playing", "staying"))])
        )
    things = nouns_of(frozenset({"flat", "dishes"}))
    return Clause(
        BE, noun_phrase(dice, dice.pick(things), _PLAIN), place=spot(dice, SPOTS["lying"])
    )


def _work(dice: Dice) -> Clause:
    noun = dice.pick(_WORKERS)
    fitting = [a for a in adjectives_of(noun) if a.english not in FEELINGS | {"new"}]
    adjective = Description(dice.pick(fitting))
    who = noun_phrase(dice, dice.pick(_MEN), replace(DEFINITE, plural=0.0, adjective=0.0))
    return Clause(BE, who, predicate=NounPhrase(noun, A, description=adjective))


_YEARS_OLD = Fixed("years old", "Jahre alt")
_EUROS = Fixed("euros", "Euro")


def _age(dice: Dice) -> Clause:
    who = noun_phrase(dice, dice.pick(PERSONS + ANIMALS), replace(DEFINITE, plural=0.0))
    is_grown = isinstance(who, NounPhrase) and "adult" in who.noun.kinds
    return Clause(
        BE,
        who,
        predicate=Measure(dice.pick(BIG_NUMBERS if is_grown else SMALL_NUMBERS), _YEARS_OLD),
    )


def _price(dice: Dice) -> Clause:
    thing = noun_phrase(dice, dice.pick(_PRICED), DEFINITE)
    return Clause(COST, thing, accusative=Measure(dice.pick(SMALL_NUMBERS + BIG_NUMBERS), _EUROS))


def feeling(dice: Dice, who: Nominal, names: frozenset[str] = FEELINGS) -> Clause | None:
    """Somebody being happy, tired, ...; None if the adjective does not suit the noun."""
    from_noun = adjectives_of(who.noun) if isinstance(who, NounPhrase) else adjectives_of(_ANYBODY)
    fitting = [adjective for adjective in from_noun if adjective.english in names]
    return Clause(BE, who, predicate=described(dice, dice.pick(fitting))) if fitting else None


_ANYBODY = next(noun for noun in PERSONS if noun.english == "woman")


def weather(dice: Dice, tense: Tense) -> Clause:
    """It is raining; it was cold."""
    verb = dice.pick((RAIN, SNOW))
    return Clause(verb, Expletive(), tense)


def existence(dice: Dice) -> Clause:
    """There is a lake in the forest."""
    noun = dice.pick(_EXISTING)
    thing = noun_phrase(dice, noun, Use(plural=0.0, indefinite=9.0, owner=0.0, adjective=0.5))
    thing = replace(thing, determiner=A)
    place = spot(dice, SPOTS["existing"])
    return Clause(EXIST, Expletive("there", "es"), accusative=thing, place=place)
