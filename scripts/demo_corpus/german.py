"""German word order: main clauses, questions, commands, subordinate and infinitive clauses."""

from __future__ import annotations

from enum import Enum, auto

from scripts.demo_corpus.function_words import NEVER, A
from scripts.demo_corpus.german_words import (
    REFLEXIVES,
    adverbial,
    description_words,
    imperative,
    nominal,
    present,
    preterite,
)
from scripts.demo_corpus.said import NEGATION, Word, comma, said, under
from scripts.demo_corpus.spelling import punctuate
from scripts.demo_corpus.syntax import (
    Adverbial,
    Clause,
    Comparison,
    Description,
    Expletive,
    Link,
    Measure,
    Mood,
    NounPhrase,
    Predicate,
    Pronoun,
    Purpose,
    Sentence,
    Slot,
    Subordinate,
    is_indefinite,
    person_of,
)
from scripts.demo_corpus.verb_forms import GERN, HABEN, SEIN, WERDEN
from scripts.demo_corpus.words import Case, Tense


class _Order(Enum):
    """Where the finite verb stands."""

    SECOND = auto()
    FIRST = auto()
    LAST = auto()
    INFINITIVE = auto()
    """Nowhere: `zu` with an infinitive closes the clause."""
    SHARED = auto()
    """Nowhere: the clause before it has said subject and auxiliary."""


def german_sentence(sentence: Sentence) -> str:
    """The German sentence, capitalised and with its final mark."""
    mark = {Mood.STATEMENT: ".", Mood.QUESTION: "?", Mood.COMMAND: "!"}[sentence.mood]
    return punctuate(german_words(sentence), "." if sentence.is_polite else mark)


def german_words(sentence: Sentence) -> list[Word]:
    """The words of the German sentence, commas among them."""
    clause = sentence.clause
    if sentence.mood is Mood.COMMAND:
        please = [said("bitte", "please")] if sentence.is_polite else []
        words = [*please, *under("first", _command(clause))]
    else:
        is_plain_question = sentence.mood is Mood.QUESTION and clause.front is None
        order = _Order.FIRST if is_plain_question else _Order.SECOND
        words = under("first", _clause(clause, order))
    if sentence.link is not None and sentence.second is not None:
        link, order = _LINKS[sentence.link]
        words += [*link, *under("second", _clause(sentence.second, order))]
    return words


_LINKS = {
    Link.AND: ([said("und", "link")], _Order.SECOND),
    Link.BUT: ([comma(), said("aber", "link")], _Order.SECOND),
    Link.SO: ([comma(), said("deshalb", "link")], _Order.FIRST),
    Link.SAME_SUBJECT: ([said("und", "link")], _Order.SHARED),
}


def _verb_forms(clause: Clause) -> tuple[Word, list[Word]]:
    """The finite verb and what closes the clause: participle, infinitive or separable prefix."""
    verb, person = clause.verb.german, person_of(clause.subject)
    modal = None if clause.modal is GERN else clause.modal
    infinitive = [said(verb.particle + verb.infinitive, "verb", "particle")]
    if modal is not None:
        forms = modal.german_past if clause.tense is Tense.PAST else modal.german
        return said(forms[person], "modal"), infinitive
    if clause.tense is Tense.FUTURE:
        return said(WERDEN[person], "finite", possible="verb"), infinitive
    if clause.tense is Tense.PAST:
        past = preterite(verb, person)
        if past is not None:
            return said(past, "verb", possible="finite"), []
        auxiliary = (SEIN if verb.takes_sein else HABEN)[person]
        participle = [said(verb.participle, "verb", "particle")]
        return said(auxiliary, "finite", possible="verb"), participle
    particle = [said(verb.particle, "particle", possible="verb")] if verb.particle else []
    return said(present(verb, person), "verb", possible="finite"), particle


def _slots(clause: Clause) -> dict[Slot, list[Word]]:
    """The words of every filled slot."""
    slots: dict[Slot, list[Word]] = {}
    if clause.subject is not None:
        slots["subject"] = nominal(clause.subject, Case.NOMINATIVE)
        slots["subject"] += _embedded(clause.subject)
    takes_kein = _takes_kein(clause)
    if isinstance(clause.accusative, Measure):
        slots["accusative"] = _measure(clause.accusative)
    elif clause.accusative is not None:
        slots["accusative"] = nominal(clause.accusative, Case.ACCUSATIVE, is_negated=takes_kein)
    if clause.dative is not None:
        slots["dative"] = nominal(clause.dative, Case.DATIVE)
    if clause.predicate is not None:
        slots["predicate"] = _predicate(clause.predicate, is_negated=takes_kein)
    adverbials: tuple[tuple[Slot, Adverbial | None], ...] = (
        ("time", clause.time),
        ("cause", clause.cause),
        ("frequency", clause.frequency),
        ("manner", clause.manner),
        ("companion", clause.companion),
        ("place", clause.place),
        ("goal", clause.goal),
    )
    slots.update({slot: adverbial(node) for slot, node in adverbials if node is not None})
    return {slot: under(slot, words) for slot, words in slots.items()}


def _takes_kein(clause: Clause) -> bool:
    """Whether the negation is `kein`: an object with `ein`, or with no article at all."""
    target = clause.predicate if clause.accusative is None else clause.accusative
    return (
        clause.is_negated
        and clause.modal is not GERN
        and isinstance(target, NounPhrase)
        and target.possessor is None
        and (target.determiner is None or target.determiner is A)
    )


def _measure(measure: Measure) -> list[Word]:
    return [said(measure.number.german, "number"), said(measure.unit.german, "unit")]


def _predicate(predicate: Predicate, *, is_negated: bool) -> list[Word]:
    match predicate:
        case Description():
            return description_words(predicate, None)
        case Comparison(adjective=adjective, standard=standard, is_equal=is_equal):
            words = under("standard", nominal(standard, Case.NOMINATIVE))
            if is_equal:
                so_old = [said("so", "so"), said(adjective.german, "adjective")]
                return [*so_old, said("wie", "than"), *words]
            return [said(adjective.german_comparative, "adjective"), said("als", "than"), *words]
        case Measure():
            return _measure(predicate)
        case NounPhrase():
            return nominal(predicate, Case.NOMINATIVE, is_negated=is_negated)


def _embedded(node: object) -> list[Word]:
    """The relative clause of a noun phrase, between its commas."""
    if isinstance(node, NounPhrase) and node.relative is not None:
        return [comma(), *under("relative", _clause(node.relative, _Order.LAST)), comma()]
    return []


_LIKE_SUBJECTS = (["sie"], ["es"])


def _middle(clause: Clause, slots: dict[Slot, list[Word]], *, has_subject: bool) -> list[Word]:
    """The words between the finite verb and the clause's end.

    Subject, pronouns, time, cause, frequency, definite objects, nicht, manner, company and place,
    indefinite objects, goal: so the new and the close-knit stand last. A pronoun stands before a
    noun that is the subject, unless one could take it for the subject; `nie` stands like `nicht`.
    """

    def words_of(*names: Slot) -> list[Word]:
        return [word for name in names if name != clause.front for word in slots.get(name, ())]

    objects: tuple[tuple[Slot, object], ...] = (
        ("dative", clause.dative),
        ("accusative", clause.accusative),
    )
    pronouns: list[Slot] = [slot for slot, node in objects if isinstance(node, Pronoun)]
    late: list[Slot] = [slot for slot, node in objects if is_indefinite(node)]
    early = [slot for slot, _ in objects if slot not in pronouns and slot not in late]
    subject = words_of("subject") if has_subject else []
    itself = said(REFLEXIVES[person_of(clause.subject)], possible="verb")
    reflexive = [itself] if clause.verb.german.is_reflexive else []
    light = reflexive + words_of(*reversed(pronouns))
    subject_leads = isinstance(clause.subject, (Pronoun, Expletive)) or light in _LIKE_SUBJECTS
    takes_nicht = clause.is_negated and not _takes_kein(clause)
    negates_like_nicht = clause.frequency is NEVER
    return [
        *(subject + light if subject_leads else light + subject),
        *words_of("time", "cause"),
        *([] if negates_like_nicht else words_of("frequency")),
        *words_of(*early),
        *(words_of("frequency") if negates_like_nicht else []),
        *([said("nicht", *NEGATION)] if takes_nicht else []),
        *([said("gern", "modal")] if clause.modal is GERN else []),
        *words_of("manner", "companion", "place"),
        *words_of(*late),
        *words_of("predicate", "goal"),
    ]


def _clause(clause: Clause, order: _Order) -> list[Word]:
    """A clause with all that hangs on it."""
    slots = _slots(clause)
    finite, closing = _verb_forms(clause)
    before, after = _subordinate_parts(clause)
    opening = before or (slots[clause.front] if clause.front else [])
    subject_opens = order is _Order.SECOND and not opening
    is_headless = order in (_Order.INFINITIVE, _Order.SHARED)
    middle = _middle(clause, slots, has_subject=not (subject_opens or is_headless))
    match order:
        case _Order.SECOND | _Order.FIRST:
            first = slots["subject"] if subject_opens else opening
            words = [*first, finite, *middle, *closing]
        case _Order.LAST:
            words = [*opening, *middle, *_verb_last(clause, finite, closing)]
        case _Order.INFINITIVE:
            words = [*middle, *_infinitive(clause)]
        case _Order.SHARED:
            words = [*middle, *closing]
    return words + _postponed(clause) + after


def _verb_last(clause: Clause, finite: Word, closing: list[Word]) -> list[Word]:
    """The verbs at the end of a subordinate clause: anruft, angerufen hat, anrufen will."""
    if closing == [clause.verb.german.particle]:
        return [finite.joined(closing[0], closing[0] + finite)]
    return [*closing, finite]


def _infinitive(clause: Clause) -> list[Word]:
    verb = clause.verb.german
    if verb.particle:
        text = f"{verb.particle}zu{verb.infinitive}"
        return [said(text, "verb", "particle", possible="zu")]
    return [said("zu", "zu"), said(verb.infinitive, "verb")]


def _postponed(clause: Clause) -> list[Word]:
    """The relative clause of an object or predicate, behind the verbs."""
    nodes: tuple[tuple[Slot, object], ...] = (
        ("accusative", clause.accusative),
        ("dative", clause.dative),
        ("predicate", clause.predicate),
    )
    for slot, node in nodes:
        if words := _embedded(node):
            return under(slot, words)
    return []


def _subordinate_parts(clause: Clause) -> tuple[list[Word], list[Word]]:
    """What a subordinate clause puts before the finite verb, and what behind the clause."""
    match clause.subordinate:
        case Subordinate(conjunction=conjunction, clause=inner, comes_first=comes_first):
            words = [said(conjunction.german, "conjunction")] if conjunction.german else []
            words += under("subordinate", _clause(inner, _Order.LAST))
            return ([*words, comma()], []) if comes_first else ([], [comma(), *words])
        case Purpose(clause=inner):
            purpose = [said("um", "um"), *_clause(inner, _Order.INFINITIVE)]
            return [], [comma(), *under("purpose", purpose)]
        case _:
            return [], []


def _command(clause: Clause) -> list[Word]:
    verb = clause.verb.german
    particle = [said(verb.particle, "particle", possible="verb")] if verb.particle else []
    middle = _middle(clause, _slots(clause), has_subject=False)
    return [said(imperative(verb), "verb", possible="finite"), *middle, *particle]
