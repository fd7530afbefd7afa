"""Draws main clauses with a because, although or so."""

from __future__ import annotations

from dataclasses import replace

from scripts.demo_corpus.clauses import PLAIN, Plan, deed, event
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import ALTHOUGH, BECAUSE, NO, TOO
from scripts.demo_corpus.nouns import NOUNS
from scripts.demo_corpus.phrases import corefer, person
from scripts.demo_corpus.states import feeling, weather
from scripts.demo_corpus.syntax import (
    Clause,
    Description,
    Link,
    NounPhrase,
    Pronoun,
    Sentence,
    Subordinate,
)
from scripts.demo_corpus.verb_forms import CAN, MUST, WANT
from scripts.demo_corpus.verbs import HAVE, VERBS_BY_NAME
from scripts.demo_corpus.words import Tense, Verb


def _named(names: str) -> tuple[Verb, ...]:
    return tuple(VERBS_BY_NAME[name.replace("_", " ")] for name in names.split())


_LEFT_UNDONE = _named(
    "work play dance sing go swim visit read write call clean wash cook bake drive repair "
    "pick_up meet feed"
)
_WHEN_WEARY = _named("sleep rest stay sleep stay drink")
_WHEN_HUNGRY = _named("eat eat bake")
_WHEN_WET = _named("stay stay read sleep cook bake")
_OTHER_PLANS = _named("sleep work rest go cook read visit")
_LACKING = tuple(noun for noun in NOUNS if noun.english in ("time", "money"))
_MOODS = frozenset({"happy", "sad"})
_WEARY = frozenset({"tired", "sick"})
_HUNGRY = frozenset({"hungry"})
_SHORT = replace(PLAIN, modal=0.1)
_CAUSE = Plan(tense=Tense.PAST, modal=0.0, negation=0.1, time=0.2, fronting=0.0)
_NOW_OR_PAST = (Tense.PROGRESSIVE, Tense.PROGRESSIVE, Tense.PAST)


def because(dice: Dice) -> Sentence | None:
    """The girl is sad because her brother lost the ball."""
    kind = dice.weighted(((4, _mood), (3, _deed_with_reason), (3, _omission), (1, _in_weather)))
    parts = kind(dice)
    if parts is None:
        return None
    main, reason = parts
    return Sentence(replace(main, subordinate=Subordinate(BECAUSE, reason)))


def so(dice: Dice) -> Sentence | None:
    """The girl is sick, so she cannot play in the garden."""
    kind = dice.weighted(((3, _deed_with_reason), (3, _omission), (2, _in_weather)))
    parts = kind(dice)
    if parts is None:
        return None
    main, reason = parts
    if not isinstance(reason.subject, Pronoun):
        return Sentence(reason, link=Link.SO, second=main)
    # The first clause names the person, the second says he, she or they.
    reason, main = replace(reason, subject=main.subject), replace(main, subject=reason.subject)
    return Sentence(reason, link=Link.SO, second=main)


def although(dice: Dice) -> Sentence | None:
    """Although it is snowing, the children are playing in the park."""
    who = person(dice)
    tense = dice.pick(_NOW_OR_PAST)
    main = event(dice, replace(_SHORT, tense=tense), dice.pick(_LEFT_UNDONE), who)
    if dice.chance(0.4):
        hindrance: Clause | None = weather(dice, main.tense)
        comes_first = dice.chance(0.5)
    else:
        again = corefer(who)
        hindrance = feeling(dice, again, _WEARY | _HUNGRY) if again else None
        comes_first = isinstance(who, Pronoun) and dice.chance(0.5)
    if hindrance is None:
        return None
    hindrance = _in_the_tense_of(main, hindrance)
    return Sentence(replace(main, subordinate=Subordinate(ALTHOUGH, hindrance, comes_first)))


def _mood(dice: Dice) -> tuple[Clause, Clause] | None:
    main = feeling(dice, person(dice), _MOODS)
    if main is None or (isinstance(main.predicate, Description) and main.predicate.degree is TOO):
        return None
    return main, event(dice, _CAUSE, deed(dice))


def _deed_with_reason(dice: Dice) -> tuple[Clause, Clause] | None:
    """Eats because he is hungry; rests because she is tired."""
    who = person(dice)
    again = corefer(who)
    if again is None:
        return None
    verbs, states = dice.pick(((_WHEN_WEARY, _WEARY), (_WHEN_HUNGRY, _HUNGRY)))
    main = event(dice, replace(_SHORT, tense=dice.pick(_NOW_OR_PAST)), dice.pick(verbs), who)
    reason = feeling(dice, again, states)
    return None if reason is None else (main, _in_the_tense_of(main, reason))


def _omission(dice: Dice) -> tuple[Clause, Clause] | None:
    """Does not work because she is sick, has no time, or must do something else."""
    who = person(dice)
    again = corefer(who)
    plan = replace(_SHORT, tense=dice.pick(_NOW_OR_PAST), modal=0.0, negation=1.0)
    main = event(dice, plan, dice.pick(_LEFT_UNDONE), who)
    if again is None or not main.is_negated:
        return None
    if main.tense is Tense.PROGRESSIVE and dice.chance(0.4):
        main = replace(main, tense=Tense.PRESENT, modal=CAN)
    reason = feeling(dice, again, _WEARY) if dice.chance(0.5) else _excuse(dice, again)
    return None if reason is None else (main, _in_the_tense_of(main, reason))


def _excuse(dice: Dice, who: Pronoun) -> Clause:
    """Has no time, must work, wants to sleep."""
    if dice.chance(0.5):
        return Clause(HAVE, who, accusative=NounPhrase(dice.pick(_LACKING), NO))
    plan = replace(PLAIN, tense=Tense.PRESENT)
    return replace(event(dice, plan, dice.pick(_OTHER_PLANS), who), modal=dice.pick((MUST, WANT)))


def _in_weather(dice: Dice) -> tuple[Clause, Clause]:
    tense = dice.pick(_NOW_OR_PAST)
    main = event(dice, replace(_SHORT, tense=tense), dice.pick(_WHEN_WET))
    return main, weather(dice, tense)


def _in_the_tense_of(main: Clause, other: Clause) -> Clause:
    return replace(other, tense=Tense.PAST) if main.tense is Tense.PAST else other
