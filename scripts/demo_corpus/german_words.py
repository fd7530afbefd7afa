"""German inflection: articles, adjectives, nouns, pronouns and verb forms."""

from __future__ import annotations

from typing import assert_never

from scripts.demo_corpus.function_words import NO
from scripts.demo_corpus.said import Word, said, under
from scripts.demo_corpus.syntax import (
    Couple,
    Description,
    Expletive,
    Interrogative,
    Nominal,
    NounPhrase,
    Prepositional,
    Pronoun,
    Relative,
)
from scripts.demo_corpus.verb_forms import HABEN, HABEN_PAST, SEIN, SEIN_PAST
from scripts.demo_corpus.words import (
    Case,
    Determiner,
    Fixed,
    GermanVerb,
    Inflection,
    Name,
    Noun,
    Person,
)

_COLUMNS = {"m": 0, "f": 1, "n": 2, "p": 3}


def _table(nominative: str, accusative: str, dative: str, genitive: str) -> dict[Case, list[str]]:
    """Forms by case, each a row for masculine, feminine, neuter and plural; `-` is nothing."""
    rows = (nominative, accusative, dative, genitive)
    return {
        case: ["" if form == "-" else form for form in row.split()]
        for case, row in zip(Case, rows, strict=True)
    }


_DEFINITE = _table("der die das die", "den die das die", "dem der dem den", "des der des der")
_DER_WORD = _table("er e es e", "en e es e", "em er em en", "es er es er")
_EIN_WORD = _table("- e - e", "en e - e", "em er em en", "es er es er")
_WEAK = _table("e e e en", "en e e en", "en en en en", "en en en en")
_MIXED = _table("er e es en", "en e es en", "en en en en", "en en en en")
_STRONG = _table("er e es e", "en e es e", "em er em en", "en er en er")
_RELATIVE = _table("der die das die", "den die das die", "dem der dem denen", "- - - -")
_WHO = dict(zip(Case, ("wer", "wen", "wem", "wessen"), strict=True))

_PRONOUNS = {
    (Person.FIRST_SINGULAR, "m"): "ich mich mir",
    (Person.SECOND_SINGULAR, "m"): "du dich dir",
    (Person.THIRD_SINGULAR, "m"): "er ihn ihm",
    (Person.THIRD_SINGULAR, "f"): "sie sie ihr",
    (Person.THIRD_SINGULAR, "n"): "es es ihm",
    (Person.FIRST_PLURAL, "m"): "wir uns uns",
    (Person.THIRD_PLURAL, "m"): "sie sie ihnen",
}
REFLEXIVES = dict(zip(Person, ["mich", "dich", "sich", "uns", "sich"], strict=True))

_CONTRACTIONS = {
    ("in", "dem"): "im",
    ("in", "das"): "ins",
    ("an", "dem"): "am",
    ("an", "das"): "ans",
    ("zu", "dem"): "zum",
    ("zu", "der"): "zur",
    ("von", "dem"): "vom",
}


def determiner_form(determiner: Determiner, case: Case, column: int) -> str:
    """The determiner with its ending: dem, keinen, unserer, viele, zwei."""
    match determiner.inflection:
        case Inflection.DEFINITE:
            return _DEFINITE[case][column]
        case Inflection.DER_WORD:
            return determiner.german + _DER_WORD[case][column]
        case Inflection.EIN_WORD:
            return determiner.german + _EIN_WORD[case][column]
        case Inflection.QUANTITY:
            return determiner.german + _STRONG[case][column]
        case Inflection.FIXED:
            return determiner.german
        case _:
            assert_never(determiner.inflection)


def adjective_ending(determiner: Determiner | None, case: Case, column: int) -> str:
    """Weak behind der and dieser, mixed behind ein, strong where nothing shows the case."""
    if determiner is None:
        return _STRONG[case][column]
    match determiner.inflection:
        case Inflection.DEFINITE | Inflection.DER_WORD:
            return _WEAK[case][column]
        case Inflection.EIN_WORD:
            return _MIXED[case][column]
        case _:
            return _STRONG[case][column]


def noun_form(noun: Noun, case: Case, is_plural: bool) -> str:
    """The noun in its case: dem Jungen, des Hundes, den Hunden."""
    if is_plural:
        takes_n = case is Case.DATIVE and noun.german_plural[-1] not in "ns"
        return noun.german_plural + ("n" if takes_n else "")
    if case is Case.GENITIVE or (noun.is_weak and case is not Case.NOMINATIVE):
        return noun.german_genitive
    return noun.german


def description_words(description: Description, ending: str | None) -> list[Word]:
    """The adjectives, with an ending before a noun and without one (None) behind a verb."""
    words: list[Word] = []
    if description.degree is not None:
        words.append(said(description.degree.german, "degree"))
    for role, adjective in (("adjective", description.adjective), ("second", description.second)):
        if adjective is not None:
            form = adjective.german if ending is None else adjective.german_stem + ending
            words += [said("und", "and")] if role == "second" else []
            words.append(said(form, role))
    return words


def noun_phrase(
    phrase: NounPhrase, case: Case, determiner: Determiner | None, *, is_negated: bool = False
) -> list[Word]:
    """The words of a noun phrase, its relative clause aside.

    The determiner is a parameter, because a negated clause turns `ein` into `kein`, which then
    says the negation, too.
    """
    column = _COLUMNS["p" if phrase.is_plural else phrase.noun.gender]
    words: list[Word] = []
    behind: list[Word] = []
    if isinstance(phrase.possessor, Name):
        words += under("possessor", [said(phrase.possessor.text + "s", "name")])
    elif phrase.possessor is not None:
        behind = under("possessor", nominal(phrase.possessor, Case.GENITIVE))
    if determiner is not None:
        form = determiner_form(determiner, case, column)
        if is_negated:
            words.append(said(form, "determiner", "negation"))
        elif behind:  # `the teacher's house` has no article for the `das` of the house
            words.append(said(form, possible="noun"))
        else:
            words.append(said(form, "determiner"))
    if phrase.description is not None:
        words += description_words(phrase.description, adjective_ending(determiner, case, column))
    words.append(said(noun_form(phrase.noun, case, phrase.is_plural), "noun"))
    return words + behind


def nominal(node: Nominal, case: Case, *, is_negated: bool = False) -> list[Word]:
    """The words of a subject or object, relative clauses aside; negated, `ein` becomes `kein`."""
    match node:
        case NounPhrase():
            takes_no = is_negated and node.possessor is None
            determiner = _determiner_of(node, is_negated)
            return noun_phrase(node, case, determiner, is_negated=takes_no)
        case Name(text=text):
            return [said(text, "name")]
        case Pronoun(person=person, gender=gender):
            return [said(_PRONOUNS[person, gender].split()[_CASE_INDEX[case]], "pronoun")]
        case Couple(first=first, second=second):
            before = [*under("first", nominal(first, case)), said("und", "and")]
            return [*before, *under("second", nominal(second, case))]
        case Interrogative(is_person=is_person):
            return [said(_WHO[case] if is_person else "was", "pronoun")]
        case Relative(noun=noun, is_plural=is_plural):
            form = _RELATIVE[case][_COLUMNS["p" if is_plural else noun.gender]]
            return [said(form, "pronoun")]
        case Expletive(german=german):
            return [said(german, "pronoun")]
        case _:
            assert_never(node)


_CASE_INDEX = {case: index for index, case in enumerate(Case)}


def _determiner_of(phrase: NounPhrase, is_negated: bool) -> Determiner | None:
    if phrase.possessor is not None and not isinstance(phrase.possessor, Name):
        return _THE
    if is_negated and phrase.possessor is None:
        return NO
    return phrase.determiner


_THE = Determiner("the", "the", "", Inflection.DEFINITE, True)


def adverbial(node: Fixed | Prepositional) -> list[Word]:
    """The words of an adverbial, preposition and article contracted: im, zur."""
    if isinstance(node, Fixed):
        return [said(node.german, "fixed")]
    preposition = said(node.preposition.german, "preposition")
    if isinstance(node.object, Fixed):
        return [preposition, said(node.object.german, "object")]
    words = under("object", nominal(node.object, node.preposition.case))
    contracted = _CONTRACTIONS.get((preposition, words[0]))
    if contracted:
        return [preposition.joined(words[0], contracted), *words[1:]]
    return [preposition, *words]


def _stem(verb: GermanVerb) -> str:
    return verb.infinitive[: -1 if verb.infinitive.endswith("ern") else -2]


def present(verb: GermanVerb, person: Person) -> str:
    """The finite present, the separable prefix aside."""
    if verb.infinitive == "sein":
        return SEIN[person]
    if verb.infinitive == "haben":
        return HABEN[person]
    match person:
        case Person.FIRST_SINGULAR:
            return verb.er if verb.infinitive in ("wissen", "mögen") else _stem(verb) + "e"
        case Person.SECOND_SINGULAR:
            return verb.du
        case Person.THIRD_SINGULAR:
            return verb.er
        case _:
            return verb.infinitive


def preterite(verb: GermanVerb, person: Person) -> str | None:
    """The past of sein and haben; None for the verbs that build a perfect."""
    tables = {"sein": SEIN_PAST, "haben": HABEN_PAST}
    return tables[verb.infinitive][person] if verb.infinitive in tables else None


def imperative(verb: GermanVerb) -> str:
    """What one says to `du`: nimm, lies, warte, fahr."""
    stem = _stem(verb)
    changes_to_i = "i" in verb.er and "i" not in stem
    if changes_to_i:
        return verb.er[:-1]
    needs_e = verb.du.endswith("est") or stem.endswith(("d", "t", "er"))
    return stem + ("e" if needs_e else "")
