"""Find what is odd about texts that are scored or trained on, with a count and an example."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from html import unescape
from typing import TYPE_CHECKING

from mtcli.evaluation.tokenization import bleu_metric, choose_tokenization

if TYPE_CHECKING:
    import regex

_TOKENIZED_SHARE = 0.25
"""Of the lines that are not blank; more than this is a habit, not a few odd lines."""
_UNSPACED_SHARE = 0.25
"""Of the lines that are not blank, and of the characters of such a line."""
_ESCAPED_SHARE = 0.01
"""Text about HTML has a few; text that was scraped or prepared for Moses has them everywhere."""
_WORDS_OF_BLEU = 4
"""BLEU is a mean over n-grams of one to four words, and 0 where one kind does not exist."""
_EXAMPLE_LENGTH = 60

_MARKS = re.compile(
    # Only full stops and commas: French puts a space before the other marks.
    r"\S [.,\u3002\uff0c\u3001](?: |$)"
    r"|@@ |\S @-@ \S|\u2581\S|\uffed|\S ##\w"  # subwords, hyphens and joiners of tokenizers
    r"|&(?:apos|quot|amp|lt|gt|#124|#91|#93);"  # Moses escapes these
    r"|\w (?:n't|'(?:s|re|ve|ll|m|d))(?: |$)|-[LR][RCS]B-"  # the Penn Treebank
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_LANGUAGES = {
    "Han": "`zh` or `ja`",
    "Hiragana": "`ja`",
    "Katakana": "`ja`",
    "Thai": "`th`",
    "Lao": "`lo`",
    "Khmer": "`km`",
    "Myanmar": "`my`",
    "Tibetan": "`bo`",
}
"""Languages that are commonly written in a script without spaces between words."""

UNSPACED = (
    r"[[\p{Line_Break=SA}\p{Line_Break=ID}\p{Line_Break=CJ}\p{Script=Tibetan}"
    r"\p{Script=Javanese}\p{Script=Balinese}]&&[\p{L}\p{M}]]"
)
"""Letters and marks of scripts without spaces between words, as a set of the library `regex`.

Unicode's line breaking knows them: ideographs and kana, where a line may break anywhere, and the
scripts of South East Asia, where that takes a dictionary or the grammar of syllables.
"""


class Oddity(Enum):
    """What can be odd about a text."""

    BLANK = "blank"
    TOKENIZED = "tokenized"
    ESCAPED = "escaped"
    UNSPACED = "unspaced"
    SHORT = "short"


@dataclass(frozen=True)
class Finding:
    """An oddity of a text."""

    oddity: Oddity
    sentence: str
    """What is odd, in how many lines, with an example, and what follows from it."""
    languages: str = ""
    """Of an unspaced text: codes of languages that it may be in."""


@dataclass(frozen=True)
class NamedTexts:
    """Lines with what they are called in messages."""

    name: str
    """In the singular, such as a path."""
    texts: Sequence[str]
    unit: str = "line"
    """What one of them is called."""

    def count(self, numbers: Sequence[int], total: int) -> str:
        """How many of the texts are meant, and which is the first: numbers are those of texts."""
        return (
            f"{len(numbers)} of {total} {self.unit}{'s' * (total != 1)}, for example {self.unit}"
            f" {numbers[0] + 1}"
        )

    def example(self, numbers: Sequence[int], total: int) -> str:
        """The same, with that text."""
        return f"{self.count(numbers, total)}, {shown(self.texts[numbers[0]])}"


def shown(text: str) -> str:
    """The beginning of a text between backticks."""
    text = text.strip()
    end = "..." if len(text) > _EXAMPLE_LENGTH else ""
    return f"`{text[:_EXAMPLE_LENGTH]}{end}`"


def odd_references(
    references: NamedTexts, beside: Sequence[str], tgt_lang: str, tokenize: str | None
) -> list[Finding]:
    """Find what makes scores against these references wrong or not comparable.

    Args:
        references: one for each text in `beside`.
        beside: sources or translations. A reference may be blank where these are.
        tgt_lang: BCP 47 tag of the references.
        tokenize: the tokenization of BLEU that was asked for by name, or None.
    """
    name = choose_tokenization(tgt_lang, tokenize).name
    findings = [blank(references, beside)]
    if name != "none":  # who asks for this knows that the text is tokenized
        findings += odd_text(references)
    if tokenize is None and name == "13a":
        findings.append(unspaced(references))
    return [finding for finding in findings if finding is not None]


def odd_text(text: NamedTexts) -> list[Finding]:
    """Find marks of tokenization and of escaping."""
    return [finding for finding in (tokenized(text), escaped(text)) if finding is not None]


def blank(text: NamedTexts, beside: Sequence[str]) -> Finding | None:
    """Find lines that are blank where their counterparts in `beside` are not."""
    pairs = zip(text.texts, beside, strict=True)
    numbers = [
        number for number, (one, other) in enumerate(pairs) if other.strip() and not one.strip()
    ]
    if not numbers:
        return None
    counted = text.count(numbers, len(text.texts))
    return Finding(
        Oddity.BLANK,
        f"{text.name} has blank lines: {counted}, beside {shown(beside[numbers[0]])}; these match"
        " nothing, so scores are too low",
    )


def tokenized(text: NamedTexts) -> Finding | None:
    """Find out whether over a quarter of the lines that are not blank show marks of tokenization.

    The marks are a full stop or comma after a space, subwords (`@@ `, U+2581), Moses' escapes and
    the Penn Treebank's contractions.
    """
    numbers, num_filled = _lines_where(text, lambda line: _MARKS.search(line) is not None)
    if len(numbers) <= _TOKENIZED_SHARE * num_filled:
        return None
    return Finding(
        Oddity.TOKENIZED,
        f"{text.name} looks tokenised: {text.example(numbers, num_filled)}; BLEU and mtcli tokenise"
        " text themselves, so only scores on plain text are comparable",
    )


def escaped(text: NamedTexts) -> Finding | None:
    """Find out whether over 1 % of the lines that are not blank have HTML entities."""
    numbers, num_filled = _lines_where(text, _has_entity)
    if len(numbers) <= _ESCAPED_SHARE * num_filled:
        return None
    entity = next(m[0] for m in _ENTITY.finditer(text.texts[numbers[0]]) if unescape(m[0]) != m[0])
    return Finding(
        Oddity.ESCAPED,
        f"{text.name} has escaped characters: {text.example(numbers, num_filled)}; `{entity}` is"
        f" text, not `{unescape(entity)}`",
    )


def unspaced(text: NamedTexts) -> Finding | None:
    """Find out whether over a quarter of the lines are in a script without spaces between words."""
    pattern = _unspaced_letters()
    numbers, num_filled = _lines_where(
        text, lambda line: len(pattern.findall(line)) > _UNSPACED_SHARE * len(line.strip())
    )
    if len(numbers) <= _UNSPACED_SHARE * num_filled:
        return None
    languages = _languages_of("".join(text.texts[number] for number in numbers))
    return Finding(
        Oddity.UNSPACED,
        f"{text.name} has no spaces between words: {text.example(numbers, num_filled)}; BLEU would"
        " take whole sentences for words",
        languages,
    )


def short(references: Sequence[NamedTexts], tgt_lang: str, tokenize: str | None) -> Finding | None:
    """Find out whether BLEU is 0 for any translations because all references are too short."""
    if any(has_four_words(each.texts, tgt_lang, tokenize) for each in references):
        return None
    first = references[0]
    numbers = [number for number, text in enumerate(first.texts) if text.strip()] or [0]
    return Finding(
        Oddity.SHORT,
        f"BLEU is 0.00 whatever the translations are: no {first.unit} of {first.name} has four"
        f" words as BLEU counts them, for example {first.unit} {numbers[0] + 1},"
        f" {shown(first.texts[numbers[0]])}",
    )


def has_four_words(texts: Sequence[str], tgt_lang: str, tokenize: str | None) -> bool:
    """Whether a text has four words as BLEU counts them, without which BLEU can only be 0.

    Raises:
        ConfigError: as `bleu_metric`.
    """
    # No tokenization joins what white space separates, and a look at that costs no import.
    if any(len(text.split(maxsplit=_WORDS_OF_BLEU)) >= _WORDS_OF_BLEU for text in texts):
        return True
    words = bleu_metric(tgt_lang, tokenize).tokenizer
    return any(len(words(text.rstrip()).split()) >= _WORDS_OF_BLEU for text in texts)


def _lines_where(text: NamedTexts, is_odd: Callable[[str], bool]) -> tuple[list[int], int]:
    """Numbers of the odd lines, and how many lines are not blank."""
    filled = [number for number, line in enumerate(text.texts) if line.strip()]
    return [number for number in filled if is_odd(text.texts[number])], len(filled)


def _has_entity(line: str) -> bool:
    return "&" in line and any(unescape(m[0]) != m[0] for m in _ENTITY.finditer(line))


@cache
def _unspaced_letters() -> regex.Pattern[str]:
    import regex

    return regex.compile(UNSPACED, regex.VERSION1)


def _languages_of(text: str) -> str:
    """Codes of languages in the commonest of the scripts; kana make it Japanese."""
    import regex

    counts = Counter(
        {script: len(regex.findall(rf"\p{{Script={script}}}", text)) for script in _LANGUAGES}
    )
    if counts["Hiragana"] + counts["Katakana"] > 0.1 * counts["Han"] > 0:
        return _LANGUAGES["Hiragana"]
    script, number = counts.most_common(1)[0]
    return _LANGUAGES[script] if number else ""
