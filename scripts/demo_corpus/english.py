"""English word order and inflection."""

from __future__ import annotations

from typing import assert_never

from scripts.demo_corpus.function_words import ENGLISH_BE, A
from scripts.demo_corpus.said import NEGATION, Word, comma, said, under
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
_LINKS = {
    Link.AND: [said("and", "link")],
    Link.BUT: [comma(), said("but", "link")],
    Link.SO: [comma(), said("so", "link")],
}


def english_sentence(sentence: Sentence) -> str:
    """The English sentence, capitalised and with its final mark."""
    mark = {Mood.STATEMENT: ".", Mood.QUESTION: "?", Mood.COMMAND: "!"}[sentence.mood]
    return punctuate(english_words(sentence), "." if sentence.is_polite else mark)


def english_words(sentence: Sentence) -> list[Word]:
    """The words of the English sentence, commas among them."""
    clause = sentence.clause
    if sentence.mood is Mood.COMMAND:
        please = [said("please", "please")] if sentence.is_polite else []
        words = [*please, *under("first", _command(clause))]
    else:
        words = under("first", _clause(clause, is_question=sentence.mood is Mood.QUESTION))
    match sentence.link, sentence.second:
        case Link.SAME_SUBJECT, Clause() as second:
            again = under("second", _clause(second)[len(_subject(second)) :])
            words += [said("and", "link"), *again]
        case Link() as link, Clause() as second:
            words += [*_LINKS[link], *under("second", _clause(second))]
    return words


def _subject(clause: Clause) -> list[Word]:
    if clause.subject is None:
        return []
    return under("subject", nominal(clause.subject, is_subject=True))


def _command(clause: Clause) -> list[Word]:
    start = [said("do", possible="verb"), said("not", *NEGATION)] if clause.is_negated else []
    return [*start, *_predicate_words(clause, [said(clause.verb.english.base, "verb")])]


def nominal(node: Nominal, *, is_subject: bool) -> list[Word]:
    """The words of a subject or object."""
    match node:
        case NounPhrase():
            return _noun_phrase(node)
        case Name(text=text):
            return [said(text, "name")]
        case Pronoun(antecedent=antecedent, person=Person.THIRD_SINGULAR) if antecedent:
            return [said("it", "pronoun")]
        case Pronoun(person=person, gender=gender):
            return [said(_PRONOUNS[person, gender][not is_subject], "pronoun")]
        case Couple(first=first, second=second):
            return [
                *under("first", nominal(first, is_subject=is_subject)),
                said("and", "and"),
                *under("second", nominal(second, is_subject=is_subject)),
            ]
        case Interrogative(is_person=is_person):
            who = "who" if is_subject else "whom"
            return [said(who if is_person else "what", "pronoun")]
        case Relative(noun=noun):
            who = "who" if is_subject else "whom"
            return [said(who if "person" in noun.kinds else "that", "pronoun")]
        case Expletive(english=english):
            return [said(english, "pronoun")]
        case _:
            assert_never(node)


def _noun_phrase(phrase: NounPhrase) -> list[Word]:
    noun, determiner = phrase.noun, phrase.determiner
    words = [] if phrase.description is None else _description(phrase.description)
    words.append(said(noun.english_plural if phrase.is_plural else noun.english, "noun"))
    if phrase.possessor is not None:
        *others, last = under("possessor", nominal(phrase.possessor, is_subject=False))
        words = [*others, last.spelled(f"{last}'s"), *words]
    elif determiner is A:
        words = [said("an" if words[0][0] in "aeiou" else "a", "determiner"), *words]
    elif determiner is not None:
        form = determiner.english_plural if phrase.is_plural else determiner.english
        words = [said(form, "determiner"), *words]
    if phrase.relative is not None:
        words += under("relative", _clause(phrase.relative))
    return words


def _description(description: Description) -> list[Word]:
    words = [said(description.degree.english, "degree")] if description.degree else []
    words.append(said(description.adjective.english, "adjective"))
    if description.second is not None:
        words += [said("and", "and"), said(description.second.english, "second")]
    return words


def _predicate(predicate: Predicate) -> list[Word]:
    match predicate:
        case Description():
            return _description(predicate)
        case Comparison(adjective=adjective, standard=standard, is_equal=is_equal):
            words = under("standard", nominal(standard, is_subject=True))
            if is_equal:
                as_old = [said("as", "so"), said(adjective.english, "adjective")]
                return [*as_old, said("as", "than"), *words]
            return [said(adjective.english_comparative, "adjective"), said("than", "than"), *words]
        case Measure():
            return _measure(predicate)
        case NounPhrase():
            return _noun_phrase(predicate)


def _measure(measure: Measure) -> list[Word]:
    return [said(measure.number.english, "number"), said(measure.unit.english, "unit")]


def _adverbial(node: Adverbial) -> list[Word]:
    if isinstance(node, Fixed):
        return [said(node.english, "fixed")]
    preposition = said(node.preposition.english, "preposition")
    if isinstance(node.object, Fixed):
        return [preposition, said(node.object.english, "object")]
    return [preposition, *under("object", nominal(node.object, is_subject=False))]


def _verb_group(clause: Clause, *, is_question: bool) -> tuple[Word, list[Word], bool]:
    """The finite verb, the rest of the verb, and whether the finite one is an auxiliary."""
    verb, person = clause.verb.english, person_of(clause.subject)
    is_third = person is Person.THIRD_SINGULAR
    is_past = clause.tense is Tense.PAST
    be = ENGLISH_BE[person][is_past]
    with_do = clause.is_negated or is_question
    do = "did" if is_past else "does" if is_third else "do"
    base_verb, to = said(verb.base, "verb"), said("to", possible="modal")
    match clause.modal:
        case modal if modal is CAN:
            return said("could" if is_past else "can", "modal"), [base_verb], True
        case modal if modal in (SHOULD, MAY) and modal is not None:
            return said(modal.name, "modal"), [base_verb], True
        case modal if modal is WOULD_LIKE:
            return said("would", "modal"), [said("like", "modal"), to, base_verb], True
        case modal if modal is MUST and not (is_past or clause.is_negated):
            return said("must", "modal"), [base_verb], True
        case modal if modal in (MUST, WANT, GERN) and modal is not None:
            base, third, past = _SEMI_MODALS[modal.name]
            if with_do:
                return said(do, possible="modal"), [said(base, "modal"), to, base_verb], True
            form = past if is_past else third if is_third else base
            return said(form, "modal"), [to, base_verb], False
    if clause.tense is Tense.FUTURE:
        return said("will", "finite", possible="verb"), [base_verb], True
    if verb.base == "be":
        return said(be, "verb", possible="finite"), [], True
    if clause.tense is Tense.PROGRESSIVE:
        return said(be, "finite", possible="verb"), [said(verb.ing, "verb")], True
    if with_do:
        return said(do, "finite", possible="verb"), [base_verb], True
    form = verb.past if is_past else verb.third if is_third else verb.base
    return said(form, "verb", possible="finite"), [], False


_SEMI_MODALS = {
    "must": ("have", "has", "had"),
    "want": ("want", "wants", "wanted"),
    "like": ("like", "likes", "liked"),
}


def _clause(clause: Clause, *, is_question: bool = False) -> list[Word]:
    """A clause with all that hangs on it."""
    is_inverted = is_question and clause.front != "subject"
    finite, rest, is_auxiliary = _verb_group(clause, is_question=is_inverted)
    negation = [said("not", *NEGATION)] if clause.is_negated else []
    if finite == "can" and negation and not is_inverted:
        finite, negation = finite.joined(negation[0], "cannot"), []
    frequency: list[Word] = []
    if clause.frequency and clause.front != "frequency":
        frequency = under("frequency", _adverbial(clause.frequency))
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
            clause_words = [said(conjunction.english, "conjunction")] if conjunction.english else []
            clause_words += under("subordinate", _clause(inner))
            return [*clause_words, comma(), *words] if comes_first else words + clause_words
        case Purpose(clause=inner):
            purpose = _predicate_words(inner, [said(inner.verb.english.base, "verb")])
            return [*words, *under("purpose", [said("to", "um", possible="zu"), *purpose])]
        case _:
            return words


def _front(clause: Clause) -> list[Word]:
    if clause.front in (None, "subject"):
        return []
    return _slots(clause)[clause.front] if clause.front else []


def _slots(clause: Clause) -> dict[Slot, list[Word]]:
    """The words of every filled slot but the subject."""
    slots: dict[Slot, list[Word]] = {}
    nominals: tuple[tuple[Slot, Nominal | Measure | None], ...] = (
        ("dative", clause.dative),
        ("accusative", clause.accusative),
    )
    for slot, node in nominals:
        if isinstance(node, Measure):
            slots[slot] = _measure(node)
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
    return {slot: under(slot, words) for slot, words in slots.items()}


def _predicate_words(clause: Clause, verbs: list[Word]) -> list[Word]:
    """The verbs and all that follows them; what stands in front is left out."""
    slots = _slots(clause)
    slots.pop("frequency", None)
    if clause.front is not None:
        slots.pop(clause.front, None)
    english = clause.verb.english
    particle = [said(english.particle, "particle", possible="verb")] if english.particle else []
    preposition = [said(english.preposition, possible="verb")] if english.preposition else []
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
