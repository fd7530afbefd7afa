"""Draws direct and indirect questions, and commands."""

from __future__ import annotations

from dataclasses import replace

from scripts.demo_corpus.clauses import Plan, allows_negation, any_verb, event
from scripts.demo_corpus.complements import complemented
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import (
    ASK_WHEN,
    ASK_WHERE,
    ASK_WHITHER,
    ASK_WHY,
    BARE,
    HOW_MANY,
    WITH,
)
from scripts.demo_corpus.phrases import DEFINITE, description, nouns_of, person, subject
from scripts.demo_corpus.states import state
from scripts.demo_corpus.syntax import (
    Clause,
    Interrogative,
    Mood,
    NounPhrase,
    Prepositional,
    Pronoun,
    Sentence,
    Subordinate,
    person_of,
)
from scripts.demo_corpus.verb_forms import CAN, MAY, MUST, SHOULD, WANT
from scripts.demo_corpus.verbs import (
    BE,
    DATIVE,
    DITRANSITIVE,
    HAVE,
    INTRANSITIVE,
    KNOW,
    MOTION,
    OBJECT_PREPOSITIONS,
    PREPOSITIONAL,
    TRANSITIVE,
)
from scripts.demo_corpus.words import Frame, Person, Tense, Verb, kind_set

ASKED = Plan(modal=0.15, negation=0.0, time=0.35, fronting=0.0, is_definite=True)
_ASKABLE = (CAN, MAY, MUST, SHOULD)
"""What one may ask about oneself: may I, must I."""
_UNTIMED = replace(ASKED, time=0.0)
_PEOPLE = frozenset({"person", "adult"})
_COUNTED = tuple(
    verb
    for verb in TRANSITIVE
    if verb.english.base in ("buy", "sell", "see", "read", "need", "find", "eat", "repair")
)
_TOGETHER = tuple(
    verb for verb in INTRANSITIVE if verb.name in ("play", "dance", "work", "live", "swim")
)
_MOVABLE = frozenset({"flat", "dishes", "clothes", "pet", "kin"})
_COMMANDS = kind_set(
    "open close wash clean call help give show bring take read turn tidy pick wait repair "
    "forget sell visit feed"
)
_COMMANDED = tuple(
    verb
    for verb in (*TRANSITIVE, *DATIVE, *DITRANSITIVE, *PREPOSITIONAL)
    if verb.english.base in _COMMANDS
)


def yes_no_question(dice: Dice) -> Sentence | None:
    """Did you see the dog?"""
    clause = state(dice, ASKED) if dice.chance(0.2) else event(dice, ASKED)
    if person_of(clause.subject) is Person.FIRST_SINGULAR and clause.modal not in _ASKABLE:
        return None
    return Sentence(clause, Mood.QUESTION)


def wh_question(dice: Dice) -> Sentence | None:
    """Where did the man buy the car?"""
    clause = wh_clause(dice)
    if clause is None or person_of(clause.subject) is Person.FIRST_SINGULAR:
        return None
    return Sentence(clause, Mood.QUESTION)


def indirect_question(dice: Dice) -> Sentence | None:
    """I do not know where the key is."""
    asked = wh_clause(dice)
    if asked is None:
        return None
    who = person(dice)
    main = Clause(KNOW, who, is_negated=allows_negation(who) and dice.chance(0.6))
    kind = dice.weighted(((5, "statement"), (2, "wish"), (3, "question")))
    if kind == "question":
        main = Clause(KNOW, Pronoun(Person.SECOND_SINGULAR))
    elif kind == "wish":
        main = replace(main, modal=WANT, is_negated=False)
    main = replace(main, subordinate=Subordinate(BARE, asked))
    return Sentence(main, Mood.QUESTION if kind == "question" else Mood.STATEMENT)


def wh_clause(dice: Dice) -> Clause | None:
    """A clause that a question word opens; None where the draw does not fit."""
    kind = dice.weighted(
        (
            (2, _who),
            (3, _whom_or_what),
            (1, _to_whom),
            (3, _where),
            (1.5, _whither),
            (1.5, _when),
            (1.5, _why),
            (1.5, _how_many),
            (1, _with_whom),
            (1, _about_whom),
        )
    )
    clause = kind(dice)
    if clause is None or clause.front == "cause":
        return clause
    is_bare = clause.front in ("goal", "companion", "place")
    return replace(clause, cause=None, manner=None if is_bare else clause.manner)


def _who(dice: Dice) -> Clause | None:
    verb = any_verb(dice)
    if not verb.subjects & _PEOPLE:
        return None
    return replace(event(dice, ASKED, verb, Interrogative(True)), front="subject")


def _whom_or_what(dice: Dice) -> Clause | None:
    verb = dice.pick((*TRANSITIVE, HAVE))
    clause = event(dice, ASKED, verb)
    is_person = "person" in verb.objects and (len(verb.objects) == 1 or dice.chance(0.5))
    return replace(clause, accusative=Interrogative(is_person), front="accusative")


def _to_whom(dice: Dice) -> Clause | None:
    return replace(
        event(dice, ASKED, dice.pick(DATIVE)), dative=Interrogative(True), front="dative"
    )


def _where(dice: Dice) -> Clause | None:
    if dice.chance(0.35):
        thing = subject(dice, _MOVABLE, DEFINITE)
        tense = Tense.PAST if dice.chance(0.2) else Tense.PRESENT
        return Clause(BE, thing, tense, place=ASK_WHERE, front="place")
    verb = any_verb(dice)
    if not verb.places or verb.frame not in (Frame.TRANSITIVE, Frame.INTRANSITIVE):
        return None
    return replace(event(dice, ASKED, verb), place=ASK_WHERE, front="place")


def _whither(dice: Dice) -> Clause | None:
    return replace(event(dice, ASKED, dice.pick(MOTION)), goal=ASK_WHITHER, front="goal")


def _when(dice: Dice) -> Clause | None:
    tense = dice.pick((Tense.PAST, Tense.FUTURE))
    verb = any_verb(dice)
    if verb.is_present_only or verb.frame is Frame.POSITION:
        return None
    clause = event(dice, replace(_UNTIMED, tense=tense), verb)
    return replace(clause, time=ASK_WHEN, front="time", frequency=None)


def _why(dice: Dice) -> Clause | None:
    clause = state(dice, ASKED) if dice.chance(0.3) else event(dice, replace(ASKED, negation=0.2))
    return replace(clause, cause=ASK_WHY, front="cause")


def _how_many(dice: Dice) -> Clause | None:
    verb = dice.pick((*_COUNTED, HAVE))
    countable = [noun for noun in nouns_of(verb.objects) if not noun.kinds & {"mass", "single"}]
    noun = dice.pick(countable)
    things = NounPhrase(noun, HOW_MANY, True, description(dice, noun, 0.2))
    clause = replace(event(dice, ASKED, verb), accusative=things, front="accusative")
    return replace(clause, frequency=None)


def _with_whom(dice: Dice) -> Clause | None:
    clause = event(dice, ASKED, dice.pick((*_TOGETHER, *MOTION[2:])))
    return replace(clause, companion=Prepositional(WITH, Interrogative(True)), front="companion")


def _about_whom(dice: Dice) -> Clause | None:
    verb: Verb = dice.pick(PREPOSITIONAL)
    preposition = OBJECT_PREPOSITIONS[verb.name]
    goal = Prepositional(preposition, Interrogative(True))
    return replace(event(dice, ASKED, verb), goal=goal, front="goal")


def command(dice: Dice) -> Sentence | None:
    """Please close the window. Do not forget your key!"""
    clause = Clause(dice.pick(_COMMANDED), None, is_negated=dice.chance(0.2))
    clause = complemented(dice, clause, is_definite=True)
    if clause.verb.english.base == "forget":
        clause = replace(clause, is_negated=True)
    clause = replace(clause, place=None)
    is_polite = not clause.is_negated and dice.chance(0.5)
    return Sentence(clause, Mood.COMMAND, is_polite)
