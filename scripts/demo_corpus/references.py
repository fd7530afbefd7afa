"""Draws sentences that refer back: relative clauses, and `it` with the gender of its noun."""

from __future__ import annotations

from dataclasses import replace

from scripts.demo_corpus.clauses import PLAIN, Plan, allows_negation, any_verb, event
from scripts.demo_corpus.complements import own_clothes
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.function_words import THE, TOO
from scripts.demo_corpus.nouns import PERSONS
from scripts.demo_corpus.phrases import (
    Use,
    adjectives_of,
    description,
    noun_phrase,
    nouns_of,
    two_adjectives,
)
from scripts.demo_corpus.states import described
from scripts.demo_corpus.syntax import (
    Clause,
    Description,
    Expletive,
    Link,
    NounPhrase,
    Pronoun,
    Relative,
    Sentence,
)
from scripts.demo_corpus.verbs import (
    BE,
    DATIVE,
    INTRANSITIVE,
    LIKE,
    MOTION,
    POSITION,
    TRANSITIVE,
    VERBS_BY_NAME,
)
from scripts.demo_corpus.words import Adjective, Noun, Person, Tense, Verb, kind_set

_GAPPED = Plan(modal=0.1, negation=0.05, time=0.25, fronting=0.0, is_definite=True)
_PAST = replace(PLAIN, tense=Tense.PAST)


def _relative_noun(dice: Dice, noun: Noun) -> NounPhrase:
    is_plural = not noun.kinds & {"mass", "single"} and dice.chance(0.2)
    return NounPhrase(noun, THE, is_plural, description(dice, noun, 0.15))


def _with_relative(dice: Dice, phrase: NounPhrase) -> NounPhrase | None:
    """The noun phrase with a clause about it; None where the draw does not fit."""
    noun = phrase.noun
    gap = Relative(noun, phrase.is_plural)
    kind = dice.weighted(((4, "subject"), (4, "accusative"), (1, "dative")))
    if kind == "subject":
        verb = dice.pick(POSITION) if dice.chance(0.3) else any_verb(dice)
        if not verb.subjects & noun.kinds:
            return None
        return replace(phrase, relative=replace(event(dice, _GAPPED, verb, gap), front="subject"))
    verb = dice.pick(TRANSITIVE if kind == "accusative" else DATIVE)
    if not verb.objects & noun.kinds:
        return None
    clause = event(dice, _GAPPED, verb)
    if kind == "dative":
        return replace(phrase, relative=replace(clause, dative=gap, front="dative"))
    return replace(phrase, relative=replace(clause, accusative=gap, front="accusative"))


_STRANGERS = tuple(noun for noun in PERSONS if "kin" not in noun.kinds)
_RELATED = _STRANGERS + nouns_of(kind_set("animal vehicle thing text clothes furniture building"))


def relative_on_subject(dice: Dice) -> Sentence | None:
    """The man who bought the car is rich."""
    phrase = _with_relative(dice, _relative_noun(dice, dice.pick(_RELATED)))
    if phrase is None:
        return None
    noun = phrase.noun
    if "person" in noun.kinds and dice.chance(0.4):
        return Sentence(event(dice, PLAIN, dice.pick(INTRANSITIVE + MOTION), phrase))
    predicate = described(dice, dice.pick(adjectives_of(noun)))
    tense = Tense.PAST if dice.chance(0.2) else Tense.PRESENT
    return Sentence(Clause(BE, phrase, tense, predicate=predicate))


def relative_on_object(dice: Dice) -> Sentence | None:
    """I know the woman who helped my son; this is the book that Anna is reading."""
    phrase = _with_relative(dice, _relative_noun(dice, dice.pick(_RELATED)))
    if phrase is None:
        return None
    if dice.chance(0.35) and not phrase.is_plural:
        return Sentence(Clause(BE, Expletive("this", "das"), predicate=phrase))
    verb = dice.pick((*_FINDERS, LIKE))
    if not verb.objects & phrase.noun.kinds:
        return None
    return Sentence(replace(event(dice, PLAIN, verb), accusative=phrase))


_FINDERS: tuple[Verb, ...] = tuple(
    VERBS_BY_NAME[name]
    for name in ("see", "know", "look for", "need", "find", "visit", "buy", "meet")
)


def same_subject(dice: Dice) -> Sentence | None:
    """The farmer bought an apple and ate it."""
    names, kinds = dice.pick(_CHAINS)
    first_verb, second_verb = (VERBS_BY_NAME[name] for name in names)
    nouns = [noun for noun in nouns_of(first_verb.objects) if noun.kinds & set(kinds.split())]
    noun = dice.pick(nouns)
    what = noun_phrase(dice, noun, _BOUGHT)
    first = replace(event(dice, _PAST, first_verb), accusative=what)
    if (
        isinstance(first.subject, NounPhrase)
        and not first.subject.noun.kinds & second_verb.subjects
    ):
        return None
    second = Clause(second_verb, first.subject, Tense.PAST, accusative=_it(what))
    return Sentence(first, link=Link.SAME_SUBJECT, second=second)


_CHAINS = (
    (("buy", "eat"), "fruit dish egg"),
    (("buy", "read"), "text"),
    (("buy", "put on"), "garment"),
    (("buy", "repair"), "vehicle device"),
    (("find", "sell"), "thing clothes"),
    (("write", "read"), "letter story"),
    (("cook", "eat"), "soup egg sausage"),
    (("bake", "sell"), "cake"),
    (("open", "close"), "door window box bag"),
    (("wash", "sell"), "car horse"),
)
_BOUGHT = Use(plural=0.15, indefinite=0.5, adjective=0.35)


def _it(what: NounPhrase) -> Pronoun:
    if what.is_plural:
        return Pronoun(Person.THIRD_PLURAL)
    return Pronoun(Person.THIRD_SINGULAR, what.noun.gender, what.noun)


def fault_and_virtue(dice: Dice) -> Sentence | None:
    """The coat is expensive, but it is very warm."""
    noun = dice.pick(_JUDGED)
    pair = two_adjectives(dice, noun)
    if pair is None:
        return None
    what = noun_phrase(dice, noun, replace(_BOUGHT, indefinite=0.0, adjective=0.0))
    first = Clause(BE, what, predicate=Description(pair[0]))
    second = Clause(BE, _it(what), predicate=described(dice, pair[1]))
    second = replace(second, is_negated=dice.chance(0.3))
    if dice.chance(0.2):
        first, second = replace(first, tense=Tense.PAST), replace(second, tense=Tense.PAST)
    return Sentence(first, link=Link.BUT, second=second)


_JUDGED = nouns_of(kind_set("vehicle thing text clothes furniture building food idea town device"))
_MERITS: tuple[tuple[str, str, str], ...] = (
    ("buy", "cheap beautiful new", "clothes thing furniture vehicle device text"),
    ("sell", "old small big", "clothes furniture vehicle device house"),
    ("read", "interesting short", "text story"),
    ("wash", "dirty", ""),
    ("clean", "dirty", ""),
    ("repair", "old", "vehicle device furniture"),
    ("wear", "beautiful new clean", "clothes"),
    ("visit", "interesting beautiful", "sight town"),
    ("drink", "cold hot", "drink"),
)
_FAULTS: tuple[tuple[str, str, str], ...] = (
    ("buy", "expensive heavy old big small", "clothes thing furniture vehicle device text"),
    ("read", "boring long", "text story"),
    ("wear", "dirty old big small", "clothes"),
    ("visit", "boring", "sight town"),
    ("drink", "hot cold", "drink"),
    ("take", "heavy", "bag umbrella"),
)


def because_of_it(dice: Dice) -> tuple[Clause, Clause] | None:
    """Buys the coat / it is cheap; does not buy the coat / it is too expensive."""
    is_fault = dice.chance(0.4)
    name, adjectives, kinds = dice.pick(_FAULTS if is_fault else _MERITS)
    verb = VERBS_BY_NAME[name]
    wanted = frozenset(kinds.split()) or verb.objects
    noun = dice.pick([noun for noun in nouns_of(verb.objects) if noun.kinds & wanted])
    names = adjectives.split()
    fitting: list[Adjective] = [a for a in adjectives_of(noun) if a.english in names]
    if not fitting:
        return None
    what = noun_phrase(dice, noun, replace(_BOUGHT, indefinite=0.0, adjective=0.15))
    plan = replace(PLAIN, tense=dice.pick((Tense.PROGRESSIVE, Tense.PAST)))
    main = event(dice, plan, verb)
    if name == "wear":
        what = own_clothes(dice, noun, main.subject)
    main = replace(main, accusative=what, is_negated=is_fault)
    if is_fault and not (main.subject and allows_negation(main.subject)):
        return None
    degree = TOO if is_fault and dice.chance(0.7) else None
    reason = Clause(BE, _it(what), predicate=Description(dice.pick(fitting), degree=degree))
    if main.tense is Tense.PAST:
        reason = replace(reason, tense=Tense.PAST)
    return main, reason
