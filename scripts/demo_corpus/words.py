"""The kinds of words, and the grammatical features, that the demo grammar is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias

Gender: TypeAlias = Literal["m", "f", "n"]


def kind_set(words: str) -> frozenset[str]:
    """The words of a line as a set."""
    return frozenset(words.split())


class Case(Enum):
    """The four cases of German."""

    NOMINATIVE = auto()
    ACCUSATIVE = auto()
    DATIVE = auto()
    GENITIVE = auto()


class Person(Enum):
    """What a verb agrees with. There is no `ihr`: an English `you` is always a German `du`."""

    FIRST_SINGULAR = auto()
    SECOND_SINGULAR = auto()
    THIRD_SINGULAR = auto()
    FIRST_PLURAL = auto()
    THIRD_PLURAL = auto()


class Tense(Enum):
    """English tenses and their one German counterpart.

    PRESENT and PROGRESSIVE are a German present, PAST is a German perfect (a preterite of sein,
    haben and the modals), FUTURE is werden with an infinitive.
    """

    PRESENT = auto()
    PROGRESSIVE = auto()
    PAST = auto()
    FUTURE = auto()


class Frame(Enum):
    """The complements that a verb takes."""

    INTRANSITIVE = auto()
    TRANSITIVE = auto()
    DATIVE = auto()
    DITRANSITIVE = auto()
    PREPOSITIONAL = auto()
    MOTION = auto()
    POSITION = auto()
    PLACEMENT = auto()
    CLAUSAL = auto()
    WEATHER = auto()
    COPULA = auto()


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun of both languages; `kinds` says what it can be used for."""

    english: str
    english_plural: str
    german: str
    german_genitive: str
    german_plural: str
    gender: Gender
    kinds: frozenset[str]

    @property
    def is_weak(self) -> bool:
        """Whether the oblique cases of the singular end in -n: der Junge, den Jungen."""
        return self.gender == "m" and self.german_genitive.endswith("n")


@dataclass(frozen=True, slots=True)
class Adjective:
    """An adjective; `fits` holds the noun kinds, or single nouns, that it can describe."""

    english: str
    english_comparative: str
    german: str
    german_stem: str
    """What the endings are added to: teuer, but teur-e."""
    german_comparative: str
    fits: frozenset[str]


@dataclass(frozen=True, slots=True)
class EnglishVerb:
    """The forms of an English verb, and what stands behind it."""

    base: str
    third: str
    past: str
    ing: str
    particle: str = ""
    """An adverb that a pronoun object precedes: pick him up."""
    preposition: str = ""
    """A preposition that nothing separates from the verb: look for him."""


@dataclass(frozen=True, slots=True)
class GermanVerb:
    """The forms of a German verb; a separable prefix is in `particle`, not in the infinitive."""

    infinitive: str
    du: str
    er: str
    participle: str
    particle: str = ""
    is_reflexive: bool = False
    takes_sein: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of both languages, with the kinds of nouns and the places that go with it."""

    english: EnglishVerb
    german: GermanVerb
    frame: Frame
    subjects: frozenset[str]
    objects: frozenset[str]
    places: str = ""
    """Name of the group of places where it can happen; empty for none."""
    is_stative: bool = False
    """Whether English has no progressive of it."""
    is_momentary: bool = False
    """Whether it has no duration, so that its present is a habit: often loses the key."""
    is_present_only: bool = False
    """Whether it stands in the simple present alone: knows, costs."""
    is_generic: bool = False
    """Whether its object may be a plural without an article: buys books."""

    @property
    def name(self) -> str:
        """The dictionary form: `pick up`, `look for`."""
        english = self.english
        return " ".join(p for p in (english.base, english.particle, english.preposition) if p)


@dataclass(frozen=True, slots=True)
class Modal:
    """A modal verb; an empty past says that it has none.

    `gern` is the one without a German verb: `likes to swim` is `schwimmt gern`.
    """

    name: str
    german: dict[Person, str]
    german_past: dict[Person, str]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Words that are the same everywhere: yesterday, in the evening, where."""

    english: str
    german: str


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name, the same in both languages; none ends in s, so the genitive is plain."""

    text: str
    gender: Gender


@dataclass(frozen=True, slots=True)
class Preposition:
    """A preposition in one use: `in` of a place (dative) and of a goal (accusative) are two."""

    english: str
    german: str
    case: Case


class Inflection(Enum):
    """How a determiner inflects, which decides how the adjective behind it does."""

    DEFINITE = auto()
    """der: weak adjectives follow."""
    DER_WORD = auto()
    """dieser, jeder, alle: weak adjectives follow."""
    EIN_WORD = auto()
    """ein, kein, mein: mixed adjectives follow."""
    QUANTITY = auto()
    """viele: strong adjectives follow."""
    FIXED = auto()
    """zwei: strong adjectives follow."""


@dataclass(frozen=True, slots=True)
class Determiner:
    """What may open a noun phrase; the German stem gets its ending by the inflection."""

    english: str
    english_plural: str
    german: str
    inflection: Inflection
    is_definite: bool
