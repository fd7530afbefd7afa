"""Generate documents in which a sentence needs the one before it to be translated.

    python -m scripts.demo_corpus.documents FOLDER

English says `it` of every thing; German says `er`, `sie` or `es` after the gender of its noun. In
these documents the noun stands in the sentence before: whoever translates sentence by sentence can
only guess. FOLDER gets `train`, `valid` and `test` in both languages, one sentence a line, a blank
line between two documents; and `test.pronouns.tsv`, which names the line and the German pronoun of
each such sentence of `test`. `tests/data/documents` holds the test part.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.demo_corpus.clauses import PLAIN, event
from scripts.demo_corpus.derivation import (
    Combination,
    combinations,
    is_ambiguous,
    nodes,
    repeats_itself,
)
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.english import english_sentence
from scripts.demo_corpus.function_words import THE, A
from scripts.demo_corpus.generate import MAX_WORDS, is_held_out
from scripts.demo_corpus.german import german_sentence
from scripts.demo_corpus.phrases import adjectives_of, description, nouns_of
from scripts.demo_corpus.sentences import draw
from scripts.demo_corpus.states import described
from scripts.demo_corpus.syntax import Clause, NounPhrase, Pronoun, Sentence
from scripts.demo_corpus.verbs import BE, TRANSITIVE
from scripts.demo_corpus.words import Gender, Noun, Person, Tense, Verb, kind_set

SEED = 20261129
SENTENCES = 20
"""Of a document."""
SIZES = {"train": 1_500, "valid": 15, "test": 40}
"""Documents of each split."""

_THINGS = kind_set("thing clothes furniture vehicle device text food building")
_PRONOUN_CHANCE = 0.35
"""That the next two sentences of a document are about a thing, rather than one about anything."""
_GENDERS: tuple[Gender, ...] = ("m", "f", "n")
_NOMINATIVE: dict[Gender, str] = {"m": "er", "f": "sie", "n": "es"}
_ACCUSATIVE: dict[Gender, str] = {"m": "ihn", "f": "sie", "n": "es"}
PRONOUNS = frozenset({*_NOMINATIVE.values(), *_ACCUSATIVE.values()})
"""All that an `it` may become."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a document in both languages."""

    src: str
    tgt: str
    pronoun: str | None
    """What its `it` becomes, which the sentence before it decides; None if it has none."""
    combinations: frozenset[Combination]


def _line(sentence: Sentence, pronoun: str | None = None) -> Line | None:
    """The sentence in both languages; None if it is odd or too long."""
    tree = tuple(nodes(sentence))
    if repeats_itself(tree) or is_ambiguous(tree):
        return None
    src, tgt = english_sentence(sentence), german_sentence(sentence)
    if src.count(" ") >= MAX_WORDS:
        return None
    return Line(src, tgt, pronoun, combinations(tree))


def _plain_line(dice: Dice) -> Line | None:
    """Any sentence without a word that could be taken for the pronoun of a thing."""
    _, sentence = draw(dice)
    line = _line(sentence)
    if line is None or not PRONOUNS.isdisjoint(_words(line.tgt)):
        return None
    return line


def _words(text: str) -> list[str]:
    return [word.strip(".,!?").lower() for word in text.split()]


def _pair(dice: Dice, gender: Gender) -> list[Line] | None:
    """A sentence that names a thing, and one that says `it`; None where the draw does not fit."""
    verb = dice.pick(TRANSITIVE)
    nouns = _things(verb, gender)
    if not nouns:
        return None
    noun = dice.pick(nouns)
    thing = NounPhrase(noun, dice.pick((THE, A)), description=description(dice, noun, 0.25))
    naming = replace(event(dice, PLAIN, verb), accusative=thing)
    second = _about(dice, noun)
    if not isinstance(naming.subject, NounPhrase) or second is None:
        return None
    clause, pronoun = second
    lines = [_line(Sentence(naming)), _line(Sentence(clause), pronoun)]
    if any(line is None for line in lines):
        return None
    found = [line for line in lines if line is not None]
    # nothing else in them may be taken for the pronoun
    is_clear = PRONOUNS.isdisjoint(_words(found[0].tgt)) and (
        PRONOUNS.intersection(_words(found[1].tgt)) == {pronoun}
    )
    return found if is_clear else None


def _things(verb: Verb, gender: Gender) -> list[Noun]:
    return [
        noun
        for noun in nouns_of(verb.objects & _THINGS)
        if noun.gender == gender and not noun.kinds & {"mass", "person", "animal"}
    ]


def _about(dice: Dice, noun: Noun) -> tuple[Clause, str] | None:
    """A clause about the thing, which it calls `it`, and what German calls it."""
    it = Pronoun(Person.THIRD_SINGULAR, noun.gender, noun)
    if dice.chance(0.5):
        adjective = dice.pick(adjectives_of(noun))
        tense = Tense.PAST if dice.chance(0.3) else Tense.PRESENT
        clause = Clause(BE, it, tense, predicate=described(dice, adjective))
        return clause, _NOMINATIVE[noun.gender]
    verbs = [verb for verb in TRANSITIVE if verb.objects & noun.kinds]
    clause = replace(event(dice, PLAIN, dice.pick(verbs)), accusative=it)
    if not isinstance(clause.subject, NounPhrase):
        return None
    return clause, _ACCUSATIVE[noun.gender]


class _Documents:
    """Draws documents; those of training hold no combination of words that is held out."""

    def __init__(self, seed: int) -> None:
        self._seed, self._dice = seed, Dice(seed)
        self._is_held_out: dict[Combination, bool] = {}

    def next(self, *, is_training: bool) -> list[Line]:
        lines: list[Line] = []
        while len(lines) < SENTENCES:
            has_pronoun = len(lines) + 2 <= SENTENCES and self._dice.chance(_PRONOUN_CHANCE)
            gender: Gender | None = self._dice.pick(_GENDERS) if has_pronoun else None
            while (drawn := self._draw(gender, is_training=is_training)) is None:
                pass  # of the same gender, so that all come equally often
            lines += drawn
        return lines

    def _draw(self, gender: Gender | None, *, is_training: bool) -> list[Line] | None:
        """A pair about a thing of this gender, or any line; None where the draw does not fit."""
        if gender is None:
            line = _plain_line(self._dice)
            drawn = None if line is None else [line]
        else:
            drawn = _pair(self._dice, gender)
        if drawn is None or (is_training and any(map(self._holds_unseen, drawn))):
            return None
        return drawn

    def _holds_unseen(self, line: Line) -> bool:
        for combination in line.combinations:
            if combination not in self._is_held_out:
                self._is_held_out[combination] = is_held_out(combination, self._seed)
            if self._is_held_out[combination]:
                return True
        return False


def generate(
    seed: int = SEED, sizes: Mapping[str, int] | None = None
) -> dict[str, list[list[Line]]]:
    """The documents of every split; the training split comes last and changes nothing in others."""
    sizes = SIZES if sizes is None else sizes
    source = _Documents(seed)
    splits: dict[str, list[list[Line]]] = {}
    for name in sorted(sizes, key="train".__eq__):
        splits[name] = [source.next(is_training=name == "train") for _ in range(sizes[name])]
    return splits


def document_files(splits: Mapping[str, Sequence[Sequence[Line]]]) -> dict[str, bytes]:
    """The bytes of `train.en` and so on, and of `test.pronouns.tsv`."""
    files: dict[str, bytes] = {}
    for name, documents in splits.items():
        for lang, side in (("en", "src"), ("de", "tgt")):
            texts = ("".join(f"{getattr(line, side)}\n" for line in lines) for lines in documents)
            files[f"{name}.{lang}"] = "\n".join(texts).encode("utf-8")
    rows = [f"{number}\t{pronoun}\n" for number, pronoun in pronoun_lines(splits["test"])]
    files["test.pronouns.tsv"] = "".join(["line\tpronoun\n", *rows]).encode("utf-8")
    return files


def pronoun_lines(documents: Sequence[Sequence[Line]]) -> list[tuple[int, str]]:
    """The numbers of the lines that need the one before, from 1, blank lines counted."""
    found, number = [], 0
    for lines in documents:
        for line in lines:
            number += 1
            if line.pronoun is not None:
                found.append((number, line.pronoun))
        number += 1  # the blank line
    return found


def pronoun_accuracy(hypotheses: Sequence[str], pronouns: Sequence[tuple[int, str]]) -> float:
    """The share of lines whose translation has the right pronoun, and no other.

    Args:
        hypotheses: all lines, blank ones between documents included.
        pronouns: those of `test.pronouns.tsv`.
    """
    right = sum(
        PRONOUNS.intersection(_words(hypotheses[number - 1])) == {pronoun}
        for number, pronoun in pronouns
    )
    return right / len(pronouns)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, content in document_files(generate()).items():
        (folder / file_name).write_bytes(content)
