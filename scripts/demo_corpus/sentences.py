"""Draws one sentence of any construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from scripts.demo_corpus.clauses import PLAIN, Plan, event
from scripts.demo_corpus.compounds import (
    before_clause,
    coordination,
    if_clause,
    that_clause,
    whether_clause,
    while_clause,
)
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import BECAUSE, WHITHER
from scripts.demo_corpus.nouns import NOUNS
from scripts.demo_corpus.phrases import PLACE, noun_phrase
from scripts.demo_corpus.questions import command, indirect_question, wh_question, yes_no_question
from scripts.demo_corpus.reasons import although, because, so
from scripts.demo_corpus.references import (
    because_of_it,
    fault_and_virtue,
    relative_on_object,
    relative_on_subject,
    same_subject,
)
from scripts.demo_corpus.states import existence, state
from scripts.demo_corpus.syntax import Clause, Mood, Prepositional, Purpose, Sentence, Subordinate
from scripts.demo_corpus.verbs import VERBS_BY_NAME
from scripts.demo_corpus.words import Tense

_NOUNS = {noun.english: noun for noun in NOUNS}
_FREE = Plan()
_ERRANDS = (
    ("to", "supermarket", "buy", "food drink"),
    ("into", "city", "buy", "clothes device thing"),
    ("into", "city", "visit", "kin friend"),
    ("to", "station", "pick up", "kin friend"),
    ("into", "kitchen", "cook", ""),
    ("into", "kitchen", "bake", ""),
    ("into", "garden", "feed", ""),
    ("into", "room", "read", ""),
    ("into", "room", "look for", "key book bag"),
    ("into", "house", "call", "kin doctor friend"),
)


def statement(dice: Dice) -> Sentence:
    """Yesterday the man bought a red car."""
    return Sentence(event(dice, _FREE))


def condition(dice: Dice) -> Sentence:
    """The house is older than the church."""
    return Sentence(state(dice, _FREE))


def existing(dice: Dice) -> Sentence:
    """There is a lake in the forest. Is there a museum in this city?"""
    return Sentence(existence(dice), Mood.QUESTION if dice.chance(0.35) else Mood.STATEMENT)


def judgement(dice: Dice) -> Sentence | None:
    """The man is buying the car because it is cheap."""
    parts = because_of_it(dice)
    if parts is None:
        return None
    main, reason = parts
    return Sentence(replace(main, subordinate=Subordinate(BECAUSE, reason)))


def errand(dice: Dice) -> Sentence | None:
    """The woman is going to the supermarket to buy bread."""
    preposition, place, name, kinds = dice.pick(_ERRANDS)
    verb = VERBS_BY_NAME[name]
    motion = dice.pick((VERBS_BY_NAME["go"], VERBS_BY_NAME["go"], VERBS_BY_NAME["run"]))
    goal = Prepositional(WHITHER[preposition], noun_phrase(dice, _NOUNS[place], PLACE))
    main = replace(event(dice, replace(_FREE, negation=0.0, modal=0.1), motion), goal=goal)
    main = replace(main, companion=None, manner=None)
    wanted = frozenset(kinds.split()) or verb.objects
    purpose = event(
        dice, PLAIN, replace(verb, objects=verb.objects & wanted or wanted), main.subject
    )
    if main.subject is None or purpose.accusative is None:
        return None
    inner = Clause(verb, None, Tense.PRESENT, accusative=purpose.accusative)
    return Sentence(replace(main, subordinate=Purpose(inner)))


Draw: TypeAlias = Callable[[Dice], Sentence | None]

CONSTRUCTIONS: tuple[tuple[float, Draw], ...] = (
    (34, statement),
    (8, condition),
    (7, yes_no_question),
    (9, wh_question),
    (3, indirect_question),
    (4, command),
    (2, existing),
    (4, because),
    (3, judgement),
    (3, although),
    (3, so),
    (5, that_clause),
    (2, whether_clause),
    (4, if_clause),
    (2.5, while_clause),
    (2.5, before_clause),
    (4, coordination),
    (3, relative_on_subject),
    (4, relative_on_object),
    (3, same_subject),
    (2, fault_and_virtue),
    (3, errand),
)
"""Every construction with its weight."""


def draw(dice: Dice) -> tuple[str, Sentence]:
    """The name of a construction and a sentence of it."""
    construction = dice.weighted(CONSTRUCTIONS)
    while (sentence := construction(dice)) is None:
        pass
    return construction.__name__, sentence
