"""English word order and inflection."""

from __future__ import annotations

from typing import assert_never

from scripts.demo_corpus.function_words import ENGLISH_BE, A
from scripts.demo_corpus.spelling import punctuate
from scripts.demo_corpus.syntax import (
    Adverbial,
    Clause,
    Comparison,
    Couple,
    Description,
    Expletive,
    Interrogative,
    Link,
    Measure,
    Mood,
    Nominal,
    NounPhrase,
    Predicate,
    Pronoun,
    Purpose,
    Relative,
    Sentence,
    Slot,
    Subordinate,
    person_of,
)
from scripts.demo_corpus.verb_forms import CAN, GERN, MAY, MUST, SHOULD, WANT, WOULD_LIKE
from scripts.demo_corpus.words import Fixed, Name, Person, Tense

_PRONOUNS = {
    (Person.FIRST_SINGULAR, "m"): ("I", "me"),
    (Person.SECOND_SINGULAR, "m"): ("you", "you"),
    (Person.THIRD_SINGULAR, "m"): ("he", "him"),
    (Person.THIRD_SINGULAR, "f"): ("she", "her"),
    (Person.FIRST_PLURAL, "m"): ("we", "us"),
    (Person.THIRD_PLURAL, "m"): ("they", "them"),
}
_LINKS = {Link.AND: ["and"], Link.BUT: [",", "but"], Link.SO: [",", "so"]}


def english_sentence(sentence: Sentence) -> str:
    """The English sentence, capitalised and with its final mark."""
    clause = sentence.clause
    if sentence.mood is Mood.COMMAND:
        words = [*(["please"] if sentence.is_polite else []), *_command(clause)]
    else:
        words = _clause(clause, is_question=sentence.mood is Mood.QUESTION)
    match sentence.link, sentence.second:
        case Link.SAME_SUBJECT, Clause() as second:
            words += ["and", *_clause(second)[len(_subject(second)) :]]
        case Link() as link, Clause() as second:
            words += [*_LINKS[link], *_clause(second)]
    mark = {Mood.STATEMENT: ".", Mood.QUESTION: "?", Mood.COMMAND: "!"}[sentence.mood]
    return punctuate(words, "." if sentence.is_polite else mark)


def _subject(clause: Clause) -> list[str]:
    return [] if clause.subject is None else nominal(clause.subject, is_subject=True)


def _command(clause: Clause) -> list[str]:
    start = ["do", "not"] if clause.is_negated else []
    return [*start, *_predicate_words(clause, [clause.verb.english.base])]


def nominal(node: Nominal, *, is_subject: bool) -> list[str]:
    """The words of a subject or object."""
    match node:
        case NounPhrase():
            return _noun_phrase(node)
        case Name(text=text):
            return [text]
        case Pronoun(antecedent=antecedent, person=Person.THIRD_SINGULAR) if antecedent:
            return ["it"]
        case Pronoun(person=person, gender=gender):
            return [_PRONOUNS[person, gender][not is_subject]]
        case Couple(first=first, second=second):
            return [
                *nominal(first, is_subject=is_subject),
                "and",
                *nominal(second, is_subject=is_subject),
            ]
        case Interrogative(is_person=is_person):
            return [("who" if is_subject else "whom") if is_person else "what"]
        case Relative(noun=noun):
            if "person" not in noun.kinds:
                return ["that"]
            return ["who" if is_subject else "whom"]
        case Expletive(english=english):
            return [english]
        case _:
            assert_never(node)


def _noun_phrase(phrase: NounPhrase) -> list[str]:
    noun, determiner = phrase.noun, phrase.determiner
    words = [] if phrase.description is None else _description(phrase.description)
    words.append(noun.english_plural if phrase.is_plural else noun.english)
    if phrase.possessor is not None:
        *others, last = nominal(phrase.possessor, is_subject=False)
        words = [*others, f"{last}'s", *words]
    elif determiner is A:
        words = ["an" if words[0][0] in "aeiou" else "a", *words]
    elif determiner is not None:
        words = [determiner.english_plural if phrase.is_plural else determiner.english, *words]
    if phrase.relative is not None:
        words += _clause(phrase.relative)
    return words


def _description(description: Description) -> list[str]:
    words = [description.degree.english] if description.degree else []
    words.append(description.adjective.english)
    return words + (["and", description.second.english] if description.second else [])


def _predicate(predicate: Predicate) -> list[str]:
    match predicate:
        case Description():
            return _description(predicate)
        case Comparison(adjective=adjective, standard=standard, is_equal=is_equal):
            words = nominal(standard, is_subject=True)
            if is_equal:
                return ["as", adjective.english, "as", *words]
            return [adjective.english_comparative, "than", *words]
        case Measure(number=number, unit=unit):
            return [number.english, unit.english]
        case NounPhrase():
            return _noun_phrase(predicate)


def _adverbial(node: Adverbial) -> list[str]:
    if isinstance(node, Fixed):
        return [node.english]
    if isinstance(node.object, Fixed):
        return [node.preposition.english, node.object.english]
    return [node.preposition.english, *nominal(node.object, is_subject=False)]


def _verb_group(clause: Clause, *, is_question: bool) -> tuple[str, list[str], bool]:
    """The finite verb, the rest of the verb, and whether the finite one is an auxiliary."""
    verb, person = clause.verb.english, person_of(clause.subject)
    is_third = person is Person.THIRD_SINGULAR
    is_past = clause.tense is Tense.PAST
    be = ENGLISH_BE[person][is_past]
    with_do = clause.is_negated or is_question
    do = "did" if is_past else "does" if is_third else "do"
    match clause.modal:
        case modal if modal is CAN:
            return "could" if is_past else "can", [verb.base], True
        case modal if modal in (SHOULD, MAY) and modal is not None:
            return modal.name, [verb.base], True
        case modal if modal is WOULD_LIKE:
            return "would", ["like", "to", verb.base], True
        case modal if modal is MUST and not (is_past or clause.is_negated):
            return "must", [verb.base], True
        case modal if modal in (MUST, WANT, GERN) and modal is not None:
            base, third, past = _SEMI_MODALS[modal.name]
            if with_do:
                return do, [base, "to", verb.base], True
            return past if is_past else third if is_third else base, ["to", verb.base], False
    if clause.tense is Tense.FUTURE:
        return "will", [verb.base], True
    if verb.base == "be":
        return be, [], True
    if clause.tense is Tense.PROGRESSIVE:
        return be, [verb.ing], True
    if with_do:
        return do, [verb.base], True
    return verb.past if is_past else verb.third if is_third else verb.base, [], False


_SEMI_MODALS = {
    "must": ("have", "has", "had"),
    "want": ("want", "wants", "wanted"),
    "like": ("like", "likes", "liked"),
}


def _clause(clause: Clause, *, is_question: bool = False) -> list[str]:
    """A clause with all that hangs on it."""
    is_inverted = is_question and clause.front != "subject"
    finite, rest, is_auxiliary = _verb_group(clause, is_question=is_inverted)
    negation = ["not"] if clause.is_negated else []
    if finite == "can" and negation and not is_inverted:
        finite, negation = "cannot", []
    frequency = [clause.frequency.english] if clause.frequency else []
    if clause.front == "frequency":
        frequency = []
    subject = _subject(clause)
    if is_inverted:
        verbs = [finite, *subject, *negation, *frequency, *rest]
        subject = []
    elif is_auxiliary:
        verbs = [finite, *negation, *frequency, *rest]
    else:
        verbs = [*frequency, finite, *rest]
    front = _front(clause)
    words = [*front, *subject, *_predicate_words(clause, verbs)]
    match clause.subordinate:
        case Subordinate(conjunction=conjunction, clause=inner, comes_first=comes_first):
            clause_words = [conjunction.english] if conjunction.english else []
            clause_words += _clause(inner)
            return [*clause_words, ",", *words] if comes_first else words + clause_words
        case Purpose(clause=inner):
            return [*words, "to", *_predicate_words(inner, [inner.verb.english.base])]
        case _:
            return words


def _front(clause: Clause) -> list[str]:
    if clause.front in (None, "subject"):
        return []
    return _slots(clause)[clause.front] if clause.front else []


def _slots(clause: Clause) -> dict[Slot, list[str]]:
    """The words of every filled slot but the subject."""
    slots: dict[Slot, list[str]] = {}
    nominals: tuple[tuple[Slot, Nominal | Measure | None], ...] = (
        ("dative", clause.dative),
        ("accusative", clause.accusative),
    )
    for slot, node in nominals:
        if isinstance(node, Measure):
            slots[slot] = [node.number.english, node.unit.english]
        elif node is not None:
            slots[slot] = nominal(node, is_subject=False)
    adverbials: tuple[tuple[Slot, Adverbial | None], ...] = (
        ("goal", clause.goal),
        ("manner", clause.manner),
        ("companion", clause.companion),
        ("place", clause.place),
        ("time", clause.time),
        ("cause", clause.cause),
        ("frequency", clause.frequency),
    )
    slots.update({slot: _adverbial(node) for slot, node in adverbials if node is not None})
    if clause.predicate is not None:
        slots["predicate"] = _predicate(clause.predicate)
    return slots


def _predicate_words(clause: Clause, verbs: list[str]) -> list[str]:
    """The verbs and all that follows them; what stands in front is left out."""
    slots = _slots(clause)
    slots.pop("frequency", None)
    if clause.front is not None:
        slots.pop(clause.front, None)
    english = clause.verb.english
    particle = [english.particle] if english.particle else []
    preposition = [english.preposition] if english.preposition else []
    words = [*verbs]
    is_light = isinstance(clause.accusative, Pronoun)
    words += preposition if is_light else particle + preposition
    order: tuple[Slot, ...] = ("dative", "accusative", "predicate")
    for slot in order:
        words += slots.get(slot, [])
    words += particle if is_light else []
    order = ("goal", "manner", "companion", "place", "time", "cause")
    for slot in order:
        words += slots.get(slot, [])
    return words
