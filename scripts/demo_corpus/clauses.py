"""Draws clauses: a verb, a subject and complements that make sense together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scripts.demo_corpus.complements import complemented, somebody_else
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import (
    ALL,
    BECAUSE_OF,
    BY_VEHICLE,
    EVERY,
    FOR,
    FREQUENCIES,
    MANNERS,
    NO,
    SOMETIMES,
    THE,
    WITH,
    WITHOUT,
)
from scripts.demo_corpus.phrases import (
    DEFINITE,
    SUBJECT,
    nouns_of,
    subject,
    time,
)
from scripts.demo_corpus.syntax import (
    Clause,
    Nominal,
    NounPhrase,
    Prepositional,
    is_indefinite,
)
from scripts.demo_corpus.verb_forms import CAN, GERN, MAY, MUST, SHOULD, WANT, WOULD_LIKE
from scripts.demo_corpus.verbs import (
    DATIVE,
    DITRANSITIVE,
    HAVE,
    INTRANSITIVE,
    LIKE,
    MOTION,
    PLACEMENT,
    POSITION,
    PREPOSITIONAL,
    TRANSITIVE,
)
from scripts.demo_corpus.words import Fixed, Frame, Modal, Tense, Verb, kind_set

VERBS_BY_WEIGHT = (
    (0.50, (*TRANSITIVE, HAVE, HAVE, LIKE, LIKE)),
    (0.07, DATIVE),
    (0.12, DITRANSITIVE),
    (0.06, PREPOSITIONAL),
    (0.13, INTRANSITIVE),
    (0.08, MOTION),
    (0.03, POSITION),
    (0.05, PLACEMENT),
)
_GERN_VERBS = kind_set("read eat drink cook bake write play dance sing swim sleep visit")
_MODALS = ((3, CAN), (3, MUST), (3, WANT), (1.5, SHOULD), (1, MAY), (2, WOULD_LIKE))
_WITH_COMPANY = kind_set("play dance work live fly go swim drive sing sit eat")
_FOR_SOMEBODY = kind_set("buy cook bake")
_SET_IN_SCENE = kind_set("play dance work sing sleep rest swim")
_PEOPLE = kind_set("person adult")
_RAIN_AND_SNOW = nouns_of(frozenset({"weather"}))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a clause may hold; probabilities, and `tense` None for any that suits the verb."""

    tense: Tense | None = None
    modal: float = 0.18
    negation: float = 0.14
    time: float = 0.4
    fronting: float = 0.3
    is_definite: bool = False
    """Whether subject and objects should be known ones, as in a question."""
    is_plain: bool = False
    """Whether adverbials are left out, so that a longer sentence stays short."""


PLAIN = Plan(modal=0.0, negation=0.0, time=0.0, fronting=0.0, is_plain=True)


def any_verb(dice: Dice) -> Verb:
    """A verb of any frame."""
    return dice.pick(dice.weighted(VERBS_BY_WEIGHT))


def deed(dice: Dice) -> Verb:
    """A verb for what a person does, not for what is the case."""
    while True:
        verb = any_verb(dice)
        is_deed = not verb.is_stative or verb.is_momentary
        if is_deed and verb.subjects & _PEOPLE and verb.frame is not Frame.POSITION:
            return verb


def event(dice: Dice, plan: Plan, verb: Verb | None = None, who: Nominal | None = None) -> Clause:
    """A clause about somebody doing something."""
    verb = any_verb(dice) if verb is None else verb
    use = DEFINITE if plan.is_definite else SUBJECT
    who = subject(dice, verb.subjects, use) if who is None else who
    tense = plan.tense or _tense(dice, verb)
    modal = _modal(dice, verb, tense, plan)
    if modal is not None:
        tense = Tense.PAST if tense is Tense.PAST and modal.german_past else Tense.PRESENT
    is_negated = allows_negation(who) and dice.chance(plan.negation)
    clause = Clause(verb, who, tense, modal, is_negated)
    clause = complemented(dice, clause, is_definite=plan.is_definite)
    if not plan.is_plain:
        clause = _with_company(dice, clause)
    return _timed(dice, clause, plan)


def _tense(dice: Dice, verb: Verb) -> Tense:
    if verb.is_present_only:
        return Tense.PRESENT
    if verb.is_momentary:
        return dice.weighted(((3, Tense.PAST), (1, Tense.FUTURE)))
    if verb.is_stative:
        return dice.weighted(((5, Tense.PRESENT), (4, Tense.PAST), (1, Tense.FUTURE)))
    if verb.frame is Frame.POSITION:
        return Tense.PROGRESSIVE
    habit = 0.0 if verb.english.base in ("buy", "sell") else 1.5
    return dice.weighted(
        ((3.5, Tense.PROGRESSIVE), (3.5, Tense.PAST), (1.5, Tense.FUTURE), (habit, Tense.PRESENT))
    )


def _modal(dice: Dice, verb: Verb, tense: Tense, plan: Plan) -> Modal | None:
    is_fixed = plan.tense not in (None, Tense.PRESENT, Tense.PAST)
    if is_fixed or verb.is_present_only or verb.is_momentary or not dice.chance(plan.modal):
        return None
    if verb.frame is Frame.POSITION:
        return None
    if verb.is_stative:
        return CAN if verb.name == "see" else None
    if verb.english.base in _GERN_VERBS and tense is not Tense.PAST and dice.chance(0.4):
        return GERN
    modal = dice.weighted(_MODALS)
    is_past_wanted = plan.tense is Tense.PAST
    return None if is_past_wanted and not modal.german_past else modal


def allows_negation(who: Nominal) -> bool:
    """Whether a negated clause can have this subject: not `a man`, `every man`, `no man`."""
    if isinstance(who, NounPhrase):
        return not is_indefinite(who) and who.determiner not in (EVERY, ALL, NO)
    return True


def _with_company(dice: Dice, clause: Clause) -> Clause:
    """The clause, at times with somebody, for somebody, in some manner, or because of rain."""
    name = clause.verb.english.base
    if name == "drive" and dice.chance(0.2):
        return replace(clause, companion=dice.pick(BY_VEHICLE))
    if name in _WITH_COMPANY and dice.chance(0.2):
        preposition = WITHOUT if name in ("fly", "go", "drive") and dice.chance(0.3) else WITH
        return replace(clause, companion=Prepositional(preposition, somebody_else(dice, clause)))
    if name in _FOR_SOMEBODY and dice.chance(0.25):
        return replace(clause, goal=Prepositional(FOR, somebody_else(dice, clause)))
    is_somewhere_fixed = isinstance(clause.place, Fixed)
    if name in MANNERS and not (clause.is_negated or is_somewhere_fixed) and dice.chance(0.3):
        return replace(clause, manner=dice.pick(MANNERS[name]))
    if name in ("stay", "drive") and dice.chance(0.2):
        weather = NounPhrase(dice.pick(_RAIN_AND_SNOW), THE)
        cause = Prepositional(BECAUSE_OF, weather)
        return replace(clause, cause=cause)
    return clause


def _timed(dice: Dice, clause: Clause, plan: Plan) -> Clause:
    """The clause with a time or a frequency, and with what opens it."""
    tense, verb = clause.tense, clause.verb
    is_habit = tense is Tense.PRESENT and clause.modal is None and not verb.is_stative
    if clause.modal is GERN or (verb.is_stative and tense is Tense.PRESENT):
        return clause
    may_be_often = not clause.is_negated and clause.modal is None
    if tense is Tense.PRESENT and clause.modal is not None:
        tense = Tense.FUTURE
    often = 0.55 if clause.tense is Tense.PRESENT else 0.12
    often = often if tense in (Tense.PRESENT, Tense.PAST) and may_be_often else 0.0
    if not plan.is_plain and (is_habit or dice.chance(plan.time)):
        if dice.chance(often):
            frequency = dice.pick(FREQUENCIES)
            clause = replace(clause, frequency=frequency)
            if frequency is SOMETIMES and dice.chance(plan.fronting):
                return replace(clause, front="frequency")
            return clause
        clause = replace(clause, time=time(dice, tense, is_negated=clause.is_negated))
    return _fronted(dice, clause, plan)


def _fronted(dice: Dice, clause: Clause, plan: Plan) -> Clause:
    if not dice.chance(plan.fronting):
        return clause
    if clause.time is not None:
        return replace(clause, front="time")
    if clause.cause is not None:
        return replace(clause, front="cause")
    if clause.place is not None and clause.verb.name in _SET_IN_SCENE and not clause.is_negated:
        return replace(clause, front="place")
    return clause
