"""Draws the objects, places and goals that a verb asks for."""

from __future__ import annotations

from dataclasses import replace

from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import (
    NO,
    POSSESSIVES,
    THE,
    THIS,
    A,
)
from scripts.demo_corpus.phrases import (
    DEFINITE,
    HAVE_OBJECT,
    NEGATED_OBJECT,
    OBJECT,
    PRONOUNS,
    Use,
    corefer,
    description,
    noun_phrase,
    nouns_of,
    person,
    spot,
)
from scripts.demo_corpus.places import GOALS, SPOTS
from scripts.demo_corpus.syntax import (
    Clause,
    Nominal,
    NounPhrase,
    Prepositional,
    Pronoun,
    is_indefinite,
    person_of,
)
from scripts.demo_corpus.verb_forms import GERN
from scripts.demo_corpus.verbs import (
    HAVE,
    OBJECT_PREPOSITIONS,
)
from scripts.demo_corpus.words import Frame, Noun, Person


def object_of(dice: Dice, clause: Clause, *, is_definite: bool) -> Nominal:
    """Something that the clause's verb can be done to; people may be pronouns."""
    verb = clause.verb
    if "person" in verb.objects and _allows_pronoun(clause) and dice.chance(0.25):
        return other_pronoun(dice, clause.subject)
    noun = dice.pick(nouns_of(verb.objects))
    if verb.english.base in ("wear", "put"):
        return own_clothes(dice, noun, clause.subject)
    use = OBJECT
    if is_definite:
        use = DEFINITE
    elif clause.is_negated:
        use = NEGATED_OBJECT
    elif verb is HAVE:
        use = HAVE_OBJECT
    elif clause.modal is GERN:
        use = _LIKED
    elif "person" in noun.kinds:
        use = _KNOWN
    if use.bare and not verb.is_generic and "mass" not in noun.kinds:
        use = replace(use, bare=0.0)
    return noun_phrase(dice, noun, use)


def _allows_pronoun(clause: Clause) -> bool:
    """Whether a pronoun may be an object: not where it would stand behind `ein Mann`."""
    who = clause.subject
    return not (is_indefinite(who) or (isinstance(who, NounPhrase) and who.determiner is NO))


def own_clothes(dice: Dice, noun: Noun, who: Nominal | None) -> NounPhrase:
    """The, this, a coat, or the wearer's own; one person wears one coat."""
    is_plural = person_of(who) in (Person.FIRST_PLURAL, Person.THIRD_PLURAL)
    is_plural = is_plural or noun.english == "shoe"
    owners = dict(zip(PRONOUNS, POSSESSIVES, strict=True))
    again = None if who is None else corefer(who)
    own = owners.get(again, THE) if again else THE
    determiner = dice.pick((THE, THIS, own, own) if is_plural else (THE, THIS, own, own, A))
    return NounPhrase(noun, determiner, is_plural, description(dice, noun, 0.3))


_LIKED = Use(plural=0.6, indefinite=0.0, bare=0.9)
_KNOWN = Use(plural=0.15, indefinite=0.12, adjective=0.25)


def other_pronoun(dice: Dice, who: Nominal | None) -> Pronoun:
    """A pronoun for somebody else than the subject."""
    taken = {person_of(who)}
    if taken & {Person.FIRST_SINGULAR, Person.FIRST_PLURAL}:
        taken |= {Person.FIRST_SINGULAR, Person.FIRST_PLURAL}
    if not isinstance(who, Pronoun) and who is not None:
        taken = set()
    return dice.pick([pronoun for pronoun in PRONOUNS if pronoun.person not in taken])


def complemented(dice: Dice, clause: Clause, *, is_definite: bool) -> Clause:
    """The clause with the objects, and the place or goal, that its verb asks for."""
    verb = clause.verb
    definite = is_definite or clause.is_negated
    match verb.frame:
        case Frame.TRANSITIVE:
            clause = replace(clause, accusative=object_of(dice, clause, is_definite=is_definite))
            return _somewhere(dice, clause, 0.2)
        case Frame.DATIVE:
            use = DEFINITE if definite else _KNOWN
            return replace(clause, dative=_recipient(dice, clause, use))
        case Frame.DITRANSITIVE:
            thing = object_of(dice, clause, is_definite=is_definite)
            return replace(clause, accusative=thing, dative=_recipient(dice, clause, DEFINITE))
        case Frame.PREPOSITIONAL:
            thing = object_of(dice, clause, is_definite=definite)
            preposition = OBJECT_PREPOSITIONS[verb.name]
            return replace(clause, goal=Prepositional(preposition, thing))
        case Frame.MOTION:
            return replace(clause, goal=spot(dice, GOALS[verb.places]))
        case Frame.POSITION:
            return replace(clause, place=spot(dice, SPOTS[verb.places]))
        case Frame.PLACEMENT:
            thing = object_of(dice, clause, is_definite=is_definite)
            return replace(clause, accusative=thing, goal=spot(dice, GOALS[verb.places]))
        case _:
            must_be_placed = verb.name in ("live", "sit", "stay")
            return _somewhere(dice, clause, 1.0 if must_be_placed else 0.55)


def _recipient(dice: Dice, clause: Clause, use: Use) -> Nominal:
    kinds = clause.verb.objects if clause.verb.frame is Frame.DATIVE else frozenset({"person"})
    if _allows_pronoun(clause) and dice.chance(0.3):
        return other_pronoun(dice, clause.subject)
    if "animal" not in kinds and dice.chance(0.2):
        return person(dice, pronouns=0.0, use=use)
    return noun_phrase(dice, dice.pick(nouns_of(kinds)), use)


def _somewhere(dice: Dice, clause: Clause, chance: float) -> Clause:
    if not clause.verb.places or not dice.chance(chance):
        return clause
    return replace(clause, place=spot(dice, SPOTS[clause.verb.places]))


def somebody_else(dice: Dice, clause: Clause) -> Nominal:
    """Somebody who goes along, or whom something is for."""
    if dice.chance(0.3):
        return other_pronoun(dice, clause.subject)
    return person(dice, pronouns=0.0, use=DEFINITE)
