"""Draws noun phrases, adverbials and subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from scripts.demo_corpus.adjectives import ADJECTIVES, OPPOSITES, UNGRADED
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import (
    AFTER,
    ALL,
    BEFORE,
    CLOCK,
    COUNTS,
    DURING,
    EVERY,
    EVERY_TIME,
    MANY,
    NAMES,
    NO,
    POSSESSIVES,
    THE,
    THIS,
    TIMES,
    VERY,
    A,
)
from scripts.demo_corpus.nouns import NOUNS, PERSONS
from scripts.demo_corpus.places import Spot
from scripts.demo_corpus.syntax import (
    Adverbial,
    Couple,
    Description,
    Nominal,
    NounPhrase,
    Prepositional,
    Pronoun,
    person_of,
)
from scripts.demo_corpus.words import Adjective, Determiner, Fixed, Name, Noun, Person, Tense

PRONOUNS = (
    Pronoun(Person.FIRST_SINGULAR),
    Pronoun(Person.SECOND_SINGULAR),
    Pronoun(Person.THIRD_SINGULAR, "m"),
    Pronoun(Person.THIRD_SINGULAR, "f"),
    Pronoun(Person.FIRST_PLURAL),
    Pronoun(Person.THIRD_PLURAL),
)


@dataclass(frozen=True, slots=True)
class Use:
    """How likely a noun phrase takes its forms where it stands."""

    plural: float = 0.2
    indefinite: float = 0.0
    adjective: float = 0.3
    universal: float = 0.0
    """The share of `every`, `no` and `all`."""
    bare: float = 0.0
    """The share of plurals and mass nouns without an article."""
    owner: float = 0.1
    """The share of `Anna's`, among nouns that can be somebody's."""


SUBJECT = Use(plural=0.22, indefinite=0.12, adjective=0.35, universal=0.03)
OBJECT = Use(plural=0.2, indefinite=0.35, adjective=0.35, bare=0.5)
HAVE_OBJECT = Use(plural=0.25, indefinite=0.8, adjective=0.5, bare=0.5)
DEFINITE = Use()
NEGATED_OBJECT = Use(plural=0.0, indefinite=0.4, bare=0.6)
PLACE = Use(plural=0.0, indefinite=0.1, adjective=0.22)


@cache
def nouns_of(kinds: frozenset[str]) -> tuple[Noun, ...]:
    """The nouns of any of these kinds."""
    return tuple(noun for noun in NOUNS if noun.kinds & kinds)


@cache
def adjectives_of(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that can describe the noun; no friend is friendly."""
    return tuple(a for a in ADJECTIVES if a.fits & noun.kinds and noun.english not in a.english)


def description(
    dice: Dice, noun: Noun, chance: float, *, may_be_very: bool = False
) -> Description | None:
    """An adjective for the noun, or None."""
    fitting = adjectives_of(noun)
    if not fitting or not dice.chance(chance):
        return None
    adjective = dice.pick(fitting)
    is_very = may_be_very and adjective.english not in UNGRADED and dice.chance(0.15)
    return Description(adjective, degree=VERY if is_very else None)


def two_adjectives(dice: Dice, noun: Noun) -> tuple[Adjective, Adjective] | None:
    """Two adjectives that can be said of the same thing at once; None where there are none."""
    fitting = adjectives_of(noun)
    first, second = dice.pick(fitting), dice.pick(fitting)
    if first is second or any({first.english, second.english} <= group for group in OPPOSITES):
        return None
    return first, second


def noun_phrase(dice: Dice, noun: Noun, use: Use) -> NounPhrase:
    """The noun with a determiner, perhaps a possessor and an adjective, in singular or plural."""
    kinds = noun.kinds
    is_plural = not kinds & {"mass", "single"} and dice.chance(use.plural)
    if "owned" in kinds and not is_plural and dice.chance(use.owner):
        own = possessor(dice, noun)
        return NounPhrase(
            noun, possessor=own, description=description(dice, noun, use.adjective / 2)
        )
    determiner = _determiner(dice, noun, use, is_plural=is_plural)
    may_be_very = determiner is A
    return NounPhrase(
        noun,
        determiner,
        is_plural,
        description(dice, noun, use.adjective, may_be_very=may_be_very),
    )


def possessor(dice: Dice, noun: Noun) -> NounPhrase | Name:
    """Somebody that something belongs to: Anna, my brother, the teacher."""
    if "kin" in noun.kinds or dice.chance(0.45):
        return dice.pick(NAMES)
    return noun_phrase(dice, dice.pick(PERSONS), _OWNER)


_OWNER = Use(plural=0.0, adjective=0.1, owner=0.0)


def _determiner(dice: Dice, noun: Noun, use: Use, *, is_plural: bool) -> Determiner | None:
    kinds = noun.kinds
    if "kin" in kinds and use.indefinite < 0.5:
        return dice.pick(POSSESSIVES) if dice.chance(0.93) else THE
    owned = 0.45 if "owned" in kinds else 0.0
    if "mass" in kinds or is_plural:
        if use.bare and dice.chance(use.bare):
            return None
        counts = 0.0 if "mass" in kinds else use.indefinite
        options = [(0.5, THE), (0.1, THIS), (owned, dice.pick(POSSESSIVES))]
        options += [(counts, dice.pick(COUNTS)), (counts / 2, MANY)]
        if is_plural:
            options.append((use.universal, ALL))
    else:
        options = [(0.5, THE), (0.1, THIS), (owned, dice.pick(POSSESSIVES))]
        options += [(use.indefinite * 1.5, A), (use.universal, EVERY), (use.universal / 2, NO)]
    return dice.weighted(options)


def person(dice: Dice, *, pronouns: float = 0.42, use: Use = SUBJECT) -> Nominal:
    """Somebody: a pronoun, a name, a noun phrase, or two of them."""
    kind = dice.weighted(((pronouns, "pronoun"), (0.12, "name"), (0.55, "noun"), (0.05, "pair")))
    if kind == "pronoun":
        return dice.pick(PRONOUNS)
    if kind == "name":
        return dice.pick(NAMES)
    if kind == "noun":
        return noun_phrase(dice, dice.pick(PERSONS), use)
    plain = Use(plural=0.0, adjective=0.0)
    second = noun_phrase(dice, dice.pick(PERSONS), plain)
    return Couple(
        dice.pick(NAMES) if dice.chance(0.4) else noun_phrase(dice, dice.pick(PERSONS), plain),
        second,
    )


def subject(dice: Dice, kinds: frozenset[str], use: Use = SUBJECT) -> Nominal:
    """A subject of these kinds; people are often pronouns or names, the rest never."""
    if kinds & {"person", "adult"} and (len(kinds) == 1 or dice.chance(0.8)):
        return person(dice, use=use) if "person" in kinds else _adult(dice, use)
    return noun_phrase(dice, dice.pick(nouns_of(kinds)), use)


def _adult(dice: Dice, use: Use) -> Nominal:
    while True:
        who = person(dice, use=use)
        if not (isinstance(who, NounPhrase) and "minor" in who.noun.kinds):
            return who


def corefer(nominal: Nominal) -> Pronoun | None:
    """The pronoun that stands for a person or an animal; None where the languages differ.

    A child is `es` in German and no `it` in English, so no pronoun stands for it.
    """
    match nominal:
        case NounPhrase(determiner=determiner) if determiner in (EVERY, NO):
            return None
        case Pronoun():
            return nominal
        case Name(gender=gender):
            return Pronoun(Person.THIRD_SINGULAR, gender)
        case NounPhrase(noun=noun, is_plural=False) if "person" in noun.kinds:
            if noun.gender == "n":
                return None
            return Pronoun(Person.THIRD_SINGULAR, noun.gender)
        case NounPhrase(noun=noun, is_plural=False):
            return Pronoun(Person.THIRD_SINGULAR, noun.gender, noun)
        case _ if person_of(nominal) is Person.THIRD_PLURAL:
            return Pronoun(Person.THIRD_PLURAL)
        case _:
            return None


def spot(dice: Dice, choices: Sequence[Spot | Adverbial]) -> Adverbial:
    """A place or a goal out of a group, with article and perhaps an adjective."""
    choice = dice.pick(choices)
    if isinstance(choice, (Fixed, Prepositional)):
        return choice
    preposition, noun = choice
    return Prepositional(preposition, noun_phrase(dice, noun, PLACE))


_EVENTS = nouns_of(frozenset({"event"}))


def time(dice: Dice, tense: Tense, *, is_negated: bool = False) -> Adverbial:
    """When: a fixed phrase, at times with the hour, or before, during, after an event."""
    if tense is Tense.PAST and dice.chance(0.12):
        preposition = dice.pick((DURING, AFTER, BEFORE))
        return Prepositional(preposition, noun_phrase(dice, dice.pick(_EVENTS), PLACE))
    phrase = dice.pick(TIMES[tense])
    while is_negated and phrase in EVERY_TIME:
        phrase = dice.pick(TIMES[tense])
    if tense is not Tense.PROGRESSIVE and phrase.english in _HOURLY and dice.chance(0.3):
        hour = dice.pick(CLOCK)
        return Fixed(f"{phrase.english} {hour.english}", f"{phrase.german} {hour.german}")
    return phrase


_HOURLY = frozenset(
    phrase.english
    for phrase in TIMES[Tense.FUTURE] + TIMES[Tense.PAST]
    if phrase.english.startswith("on ") or phrase.english in ("yesterday", "tomorrow", "today")
)
