"""Changes to a sentence that a translation should stand: each gives a new text, or None."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import regex

from mtcli.evaluation.behaviour.kept import numbers_in

LONG_CHARACTERS = 1500
"""Length of a very long input: a page."""

_END = regex.compile(r"(?<![\p{Sentence_Terminal}\u2026])[\p{Sentence_Terminal}\u2026]++\s*+$")
_DIGITS = regex.compile(r"\d+")
_LONG_WORD = regex.compile(r"\p{L}{4,}")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'\u2019-]*")
_FEWEST_LETTERS = 3
"""Of a word that is translated alone."""
_TIMES = 6
"""How often the final mark is repeated."""
_EMOJIS = ("\U0001f642", "\U0001f680", "\U0001f600", "\U0001f389", "\U0001f44d", "\U0001f4a1")
_PLACEHOLDERS = ("{name}", "{0}", "%s", "${item}", "{{ user }}", "%(count)d")
_TAGS = (("<b>", "</b>"), ("<i>", "</i>"), ('<a href="/help">', "</a>"), ("<code>", "</code>"))


def with_number(sentence: str, generator: Random) -> str | None:
    """The sentence with other numbers of as many digits; if it has none, with one in brackets."""
    if numbers_in(sentence):
        return str(_DIGITS.sub(lambda match: _number(len(match[0]), generator), sentence))
    return _with_remark(sentence, _number(generator.randint(2, 5), generator))


def with_date(sentence: str, generator: Random) -> str | None:
    """The sentence with a date in brackets."""
    year, month, day = (
        generator.randint(1950, 2049), generator.randint(1, 12), generator.randint(13, 28),
    )  # fmt: skip
    return _with_remark(sentence, f"{year}-{month:02}-{day}")


def with_url(sentence: str, generator: Random) -> str | None:
    """The sentence with the address of a page in brackets."""
    number = _number(3, generator)
    return _with_remark(sentence, f"https://www.example.com/pages/item-{number}?lang=en")


def with_email(sentence: str, generator: Random) -> str | None:
    """The sentence with an e-mail address in brackets."""
    name = generator.choice(("anna.smith", "info", "j_doe", "sales-team"))
    return _with_remark(sentence, f"{name}@example.org")


def with_placeholder(sentence: str, generator: Random) -> str | None:
    """The sentence with a placeholder instead of a word; in brackets if it has too few words."""
    placeholder = generator.choice(_PLACEHOLDERS)
    words = sentence.split()
    if len(words) < _FEWEST_LETTERS:
        return _with_remark(sentence, placeholder)
    place = generator.randrange(1, len(words) - 1)
    return " ".join([*words[:place], placeholder, *words[place + 1 :]])


def with_markup(sentence: str, generator: Random) -> str | None:
    """The sentence with one of its words between tags."""
    words = list(_WORD.finditer(sentence))
    if not words:
        return None
    word = generator.choice(words)
    opening, closing = generator.choice(_TAGS)
    return f"{sentence[: word.start()]}{opening}{word[0]}{closing}{sentence[word.end() :]}"


def upper_case(sentence: str, generator: Random) -> str | None:
    """The sentence in capitals; None if that changes nothing."""
    return _if_changed(sentence, sentence.upper())


def title_case(sentence: str, generator: Random) -> str | None:
    """The sentence with a capital at the beginning of each word; None if that changes nothing."""
    titled = _WORD.sub(lambda match: match[0][0].title() + match[0][1:], sentence)
    return _if_changed(sentence, titled)


def without_final_stop(sentence: str, generator: Random) -> str | None:
    """The sentence without its final full stop; None if it has none."""
    return _if_changed(sentence, _END.sub("", sentence))


def with_spaces(sentence: str, generator: Random) -> str | None:
    """The sentence with spaces before and after it."""
    return f"{' ' * generator.randint(1, 4)}{sentence}{' ' * generator.randint(1, 4)}"


def with_typo(sentence: str, generator: Random) -> str | None:
    """The sentence with two letters of a word swapped; None if no word has four letters."""
    places = [
        place
        for word in _LONG_WORD.finditer(sentence)
        for place in range(word.start() + 1, word.end() - 1)
        if sentence[place] != sentence[place + 1]
    ]
    if not places:
        return None
    place = generator.choice(places)
    swapped = sentence[place + 1] + sentence[place]
    return sentence[:place] + swapped + sentence[place + 2 :]


def one_word(sentence: str, generator: Random) -> str | None:
    """A word of the sentence; None if it has no word, or is not written with spaces."""
    words = [match[0] for match in _WORD.finditer(sentence)]
    words = [word for word in words if len(word) >= _FEWEST_LETTERS]
    return generator.choice(words) if len(sentence.split()) > 1 and words else None


def with_emoji(sentence: str, generator: Random) -> str | None:
    """The sentence with an emoji after it."""
    return f"{sentence} {generator.choice(_EMOJIS)}"


def with_repeated_mark(sentence: str, generator: Random) -> str | None:
    """The sentence with its final mark, or an exclamation mark, many times."""
    end = _END.search(sentence)
    mark = end[0][0] if end else "!"
    return f"{without_marks(sentence)}{mark * _TIMES}"


def long_text(sentences: Sequence[str], first: int) -> tuple[str, ...]:
    """As many sentences as make a very long text, from the place `first` on and round."""
    chosen: list[str] = []
    length = 0
    while length < LONG_CHARACTERS:
        chosen.append(sentences[(first + len(chosen)) % len(sentences)])
        length += len(chosen[-1]) + 1
    return tuple(chosen)


def without_marks(text: str) -> str:
    """The text without the marks at its end."""
    return str(_END.sub("", text)).strip()


def _with_remark(sentence: str, remark: str) -> str:
    """The sentence with a remark in brackets before its final mark."""
    end = _END.search(sentence)
    if end is None:
        return f"{sentence} ({remark})"
    return f"{sentence[: end.start()]} ({remark}){end[0].strip()}"


def _number(num_digits: int, generator: Random) -> str:
    """A number of so many digits, the first of which is not 0."""
    return str(generator.randint(10 ** (num_digits - 1), 10**num_digits - 1))


def _if_changed(sentence: str, changed: str) -> str | None:
    return changed if changed.strip() and changed != sentence else None
