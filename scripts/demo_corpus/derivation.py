"""What a sentence is made of: its clauses, its nouns, and the combinations of words in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scripts.demo_corpus.adjectives import ADJECTIVES
from scripts.demo_corpus.nouns import NOUNS
from scripts.demo_corpus.syntax import (
    Clause,
    Comparison,
    Couple,
    Description,
    NounPhrase,
    Prepositional,
    Pronoun,
    Purpose,
    Relative,
    Sentence,
    Subordinate,
    person_of,
)
from scripts.demo_corpus.verbs import (
    DATIVE,
    DITRANSITIVE,
    HAVE,
    LIKE,
    PLACEMENT,
    PREPOSITIONAL,
    TRANSITIVE,
)
from scripts.demo_corpus.words import Frame, Name, Noun, Person, Tense

Combination = tuple[str, str, str]
"""`("object", verb, noun)` or `("adjective", adjective, noun)`, in English dictionary forms."""

_CHILDREN: dict[type, tuple[str, ...]] = {
    Sentence: ("clause", "second"),
    Clause: (
        *("subject", "accusative", "dative", "predicate", "time", "cause"),
        *("companion", "place", "goal", "subordinate"),
    ),
    Subordinate: ("clause",),
    Purpose: ("clause",),
    NounPhrase: ("possessor", "relative"),
    Couple: ("first", "second"),
    Prepositional: ("object",),
    Comparison: ("standard",),
}


def nodes(tree: object) -> Iterator[object]:
    """Every node of a tree that can hold a noun, each before what hangs on it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in _CHILDREN.get(type(node), ()):
            child = getattr(node, name)
            if child is not None:
                waiting.append(child)


def head_nouns(node: object) -> list[Noun]:
    """The nouns that a subject or object names; for a pronoun, the one that it stands for."""
    match node:
        case NounPhrase(noun=noun) | Relative(noun=noun):
            return [noun]
        case Pronoun(antecedent=Noun() as noun):
            return [noun]
        case Couple(first=first, second=second):
            return head_nouns(first) + head_nouns(second)
        case _:
            return []


def combinations(tree: Sequence[object]) -> frozenset[Combination]:
    """Every verb with its objects' nouns, and every adjective with the noun that it describes."""
    found: set[Combination] = set()
    for node in tree:
        match node:
            case Clause():
                found.update(_of_clause(node))
            case NounPhrase(noun=noun, description=Description() as description):
                found.update(_of_description(description, noun))
    return frozenset(found)


def _of_clause(clause: Clause) -> Iterator[Combination]:
    objects: list[object] = [clause.accusative, clause.dative]
    if clause.verb.frame is Frame.PREPOSITIONAL and isinstance(clause.goal, Prepositional):
        objects.append(clause.goal.object)
    for node in objects:
        for noun in head_nouns(node):
            yield "object", clause.verb.name, noun.english
    for noun in head_nouns(clause.subject):
        match clause.predicate:
            case Description() as description:
                yield from _of_description(description, noun)
            case Comparison(adjective=adjective):
                yield "adjective", adjective.english, noun.english


def _of_description(description: Description, noun: Noun) -> Iterator[Combination]:
    for adjective in (description.adjective, description.second):
        if adjective is not None:
            yield "adjective", adjective.english, noun.english


def repeats_itself(tree: Sequence[object]) -> bool:
    """Whether a noun or a name is said twice, which sounds odd: the man sees the man."""
    said: list[object] = []
    for node in tree:
        match node:
            case NounPhrase(noun=noun):
                said.append(noun.english)
            case Name(text=text):
                said.append(text)
    return len(said) != len(set(said))


def is_ambiguous(tree: Sequence[object]) -> bool:
    """Whether the English past could be read as a present: `they read the book`."""
    for node in tree:
        if isinstance(node, Clause):
            english = node.verb.english
            is_plain_past = node.tense is Tense.PAST and node.modal is None and not node.is_negated
            shows_no_s = person_of(node.subject) is not Person.THIRD_SINGULAR
            if english.base == english.past and is_plain_past and shows_no_s:
                return True
    return False


def num_partners(combination: Combination) -> int:
    """How many nouns the combination's verb can act on, or its adjective describe."""
    kind, name, _ = combination
    if kind == "adjective":
        return len([noun for noun in NOUNS if _ADJECTIVES[name].fits & noun.kinds])
    return len([noun for noun in NOUNS if _OBJECTS.get(name, frozenset()) & noun.kinds])


_ADJECTIVES = {adjective.english: adjective for adjective in ADJECTIVES}
_OBJECTS = {
    verb.name: verb.objects
    for verb in (*TRANSITIVE, HAVE, LIKE, *DATIVE, *DITRANSITIVE, *PREPOSITIONAL, *PLACEMENT)
}
