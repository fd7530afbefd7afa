"""Draws sentences of more than one clause: that, whether, if, while, before, and, but."""

from __future__ import annotations

from dataclasses import replace

from scripts.demo_corpus.clauses import PLAIN, VERBS_BY_WEIGHT, Plan, allows_negation, deed, event
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import HOME, IF, PRECEDING, THAT, WHETHER, WHILE
from scripts.demo_corpus.phrases import (
    corefer,
    person,
    time,
)
from scripts.demo_corpus.states import state, weather
from scripts.demo_corpus.syntax import (
    Clause,
    Link,
    Mood,
    Pronoun,
    Sentence,
    Subordinate,
)
from scripts.demo_corpus.verbs import (
    BELIEVE,
    HOPE,
    KNOW,
    MOTION,
    SAY,
    VERBS_BY_NAME,
)
from scripts.demo_corpus.words import Frame, Person, Tense

_INNER = Plan(modal=0.15, negation=0.1, time=0.25, fronting=0.0)
_ASKED = replace(_INNER, negation=0.0)
_FUTURE = replace(PLAIN, tense=Tense.FUTURE)
_NOW = replace(PLAIN, tense=Tense.PROGRESSIVE)
_PAST = replace(PLAIN, tense=Tense.PAST)


def that_clause(dice: Dice) -> Sentence | None:
    """The woman knows that her brother bought the car."""
    verb = dice.pick((BELIEVE, KNOW, HOPE, SAY))
    who = person(dice)
    is_doubted = verb in (BELIEVE, KNOW) and allows_negation(who) and dice.chance(0.2)
    main = Clause(verb, who, is_negated=is_doubted)
    if verb is HOPE:
        inner = event(dice, replace(_INNER, tense=Tense.FUTURE), deed(dice))
    else:
        inner = state(dice, _INNER) if dice.chance(0.25) else event(dice, _INNER)
    return Sentence(replace(main, subordinate=Subordinate(THAT, inner)))


def whether_clause(dice: Dice) -> Sentence | None:
    """Do you know whether the train is arriving today?"""
    inner = state(dice, _ASKED) if dice.chance(0.2) else event(dice, _ASKED)
    if dice.chance(0.4):
        asked = Clause(
            KNOW, Pronoun(Person.SECOND_SINGULAR), subordinate=Subordinate(WHETHER, inner)
        )
        return Sentence(asked, Mood.QUESTION)
    who = person(dice)
    if not allows_negation(who):
        return None
    main = Clause(KNOW, who, is_negated=True, subordinate=Subordinate(WHETHER, inner))
    return Sentence(main)


def if_clause(dice: Dice) -> Sentence | None:
    """If it rains tomorrow, we will stay at home."""
    result = event(dice, _FUTURE, deed(dice))
    if dice.chance(0.3):
        condition = weather(dice, Tense.PRESENT)
        if dice.chance(0.5):
            condition = replace(condition, time=time(dice, Tense.FUTURE))
    else:
        plan = replace(PLAIN, tense=Tense.PRESENT, negation=0.15)
        condition = event(dice, plan, deed(dice))
    comes_first = dice.chance(0.6)
    return Sentence(replace(result, subordinate=Subordinate(IF, condition, comes_first)))


def while_clause(dice: Dice) -> Sentence | None:
    """While the man is cooking, the children are playing in the garden."""
    first, second = event(dice, _NOW, deed(dice)), event(dice, _NOW, deed(dice))
    if first.verb.is_momentary or second.verb.is_momentary or first.subject == second.subject:
        return None
    comes_first = dice.chance(0.5)
    return Sentence(replace(first, subordinate=Subordinate(WHILE, second, comes_first)))


def before_clause(dice: Dice) -> Sentence | None:
    """The boy bought an apple before he went home."""
    who = person(dice)
    again = corefer(who)
    main = event(dice, _PAST, deed(dice), who)
    if again is None or main.verb.frame is Frame.MOTION:
        return None
    if dice.chance(0.5):
        leaving = Clause(VERBS_BY_NAME["go"], again, Tense.PAST, goal=HOME)
    else:
        leaving = event(dice, _PAST, dice.pick((*MOTION, VERBS_BY_NAME["come back"])), again)
    return Sentence(replace(main, subordinate=Subordinate(PRECEDING, leaving)))


def coordination(dice: Dice) -> Sentence | None:
    """The man is sleeping and the woman is working; Anna likes tea, but Paul likes coffee."""
    tense = dice.pick((Tense.PROGRESSIVE, Tense.PAST, Tense.FUTURE))
    plan = replace(PLAIN, tense=tense)
    first = event(dice, plan, deed(dice))
    link = dice.pick((Link.AND, Link.BUT))
    alike = next(verbs for _, verbs in VERBS_BY_WEIGHT if first.verb in verbs)
    verb = first.verb if dice.chance(0.4) else dice.pick(alike)
    second = event(dice, replace(plan, negation=0.5 if link is Link.BUT else 0.0), verb)
    if tense is Tense.PROGRESSIVE and (first.verb.is_stative or second.verb.is_stative):
        return None
    if first.verb.is_present_only or second.verb.is_present_only:
        return None
    if first.subject == second.subject:
        return None
    return Sentence(first, link=link, second=second)
