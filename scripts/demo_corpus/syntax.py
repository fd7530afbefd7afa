"""Syntax trees of the demo corpus: what a sentence says, before either language says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias

from scripts.demo_corpus.words import (
    Adjective,
    Determiner,
    Fixed,
    Gender,
    Modal,
    Name,
    Noun,
    Person,
    Preposition,
    Tense,
    Verb,
)

Slot: TypeAlias = Literal[
    "subject",
    "accusative",
    "dative",
    "predicate",
    "time",
    "cause",
    "frequency",
    "manner",
    "companion",
    "place",
    "goal",
]


@dataclass(frozen=True, slots=True)
class Description:
    """One adjective, or two joined by `and`, with or without `very` or `too`."""

    adjective: Adjective
    second: Adjective | None = None
    degree: Fixed | None = None


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """A noun with what stands around it; `determiner` None is a bare plural or mass noun.

    With a possessor the determiner is None: the possessor is one.
    """

    noun: Noun
    determiner: Determiner | None = None
    is_plural: bool = False
    description: Description | None = None
    possessor: NounPhrase | Name | None = None
    relative: Clause | None = None


@dataclass(frozen=True, slots=True)
class Pronoun:
    """A personal pronoun; `gender` is what German makes of a third person singular.

    `antecedent` is the noun that an `it` stands for.
    """

    person: Person
    gender: Gender = "m"
    antecedent: Noun | None = None


@dataclass(frozen=True, slots=True)
class Couple:
    """Two noun phrases or names joined by `and`."""

    first: NounPhrase | Name
    second: NounPhrase | Name


@dataclass(frozen=True, slots=True)
class Interrogative:
    """`who` or `what`."""

    is_person: bool


@dataclass(frozen=True, slots=True)
class Relative:
    """The relative pronoun of a noun."""

    noun: Noun
    is_plural: bool


@dataclass(frozen=True, slots=True)
class Expletive:
    """A subject that refers to nothing: `it` rains, `there` is; or `this` is, `das` ist."""

    english: str = "it"
    german: str = "es"


Nominal: TypeAlias = NounPhrase | Name | Pronoun | Couple | Interrogative | Relative | Expletive


@dataclass(frozen=True, slots=True)
class Prepositional:
    """A preposition with its noun phrase; a `Fixed` is the name of a city."""

    preposition: Preposition
    object: Nominal | Fixed


@dataclass(frozen=True, slots=True)
class Comparison:
    """`older than X`, or with `is_equal` `as old as X`."""

    adjective: Adjective
    standard: NounPhrase | Name
    is_equal: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """`twelve years old`, `zwölf Jahre alt`: a number and the words around it."""

    number: Fixed
    unit: Fixed


Adverbial: TypeAlias = Fixed | Prepositional
Predicate: TypeAlias = Description | Comparison | NounPhrase | Measure


@dataclass(frozen=True, slots=True)
class Clause:
    """A verb with its subject, objects and adverbials.

    `front` names what opens the clause instead of the subject. `subject` is None in a command and
    in an infinitive clause.
    """

    verb: Verb
    subject: Nominal | None
    tense: Tense = Tense.PRESENT
    modal: Modal | None = None
    is_negated: bool = False
    accusative: Nominal | Measure | None = None
    dative: Nominal | None = None
    predicate: Predicate | None = None
    time: Adverbial | None = None
    cause: Adverbial | None = None
    frequency: Fixed | None = None
    manner: Fixed | None = None
    companion: Adverbial | None = None
    place: Adverbial | None = None
    goal: Adverbial | None = None
    front: Slot | None = None
    subordinate: Subordinate | Purpose | None = None


@dataclass(frozen=True, slots=True)
class Subordinate:
    """A conjunction and its clause; `comes_first` puts it before its main clause."""

    conjunction: Fixed
    clause: Clause
    comes_first: bool = False


@dataclass(frozen=True, slots=True)
class Purpose:
    """`to buy bread`, `um Brot zu kaufen`."""

    clause: Clause


class Mood(Enum):
    """What a sentence does."""

    STATEMENT = auto()
    QUESTION = auto()
    COMMAND = auto()


class Link(Enum):
    """How two main clauses are joined."""

    AND = auto()
    BUT = auto()
    SO = auto()
    SAME_SUBJECT = auto()
    """`and` with the subject (and, in a perfect, the auxiliary) said once."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One or two main clauses; `is_polite` opens a command with `please`."""

    clause: Clause
    mood: Mood = Mood.STATEMENT
    is_polite: bool = False
    link: Link | None = None
    second: Clause | None = None


def person_of(nominal: Nominal | None) -> Person:
    """What the verb agrees with; a command (None) speaks to `du`."""
    match nominal:
        case None:
            return Person.SECOND_SINGULAR
        case Pronoun(person=person):
            return person
        case Couple() | NounPhrase(is_plural=True) | Relative(is_plural=True):
            return Person.THIRD_PLURAL
        case _:
            return Person.THIRD_SINGULAR


def is_indefinite(nominal: object) -> bool:
    """Whether German keeps an object behind the adverbs: a dog, two dogs, many dogs, dogs."""
    match nominal:
        case Couple(first=first):
            return is_indefinite(first)
        case NounPhrase(determiner=determiner, possessor=None):
            return determiner is None or not determiner.is_definite
        case Measure():
            return True
        case _:
            return False
