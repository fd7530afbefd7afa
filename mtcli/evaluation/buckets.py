"""Groups of sentences to compare systems on: by length, rare words, numbers, capitals."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mtcli.evaluation.words import is_form, words_of

_NUM_RANGES = 4
"""Ranges of a quantity; each has about as many sentences as the others."""
_FREQUENCIES = ((1, "seen 1 to 9 times"), (10, "10 to 99 times"), (100, "100 to 999 times"),
                (1000, "1,000 times and more"))  # fmt: skip
"""Lower bounds of how often a word is in the training text, and what they are called."""


@dataclass(frozen=True)
class Bucket:
    """Sentences that have something in common."""

    label: str
    lines: tuple[int, ...]
    """Their numbers, from 0; at least one."""


@dataclass(frozen=True)
class Buckets:
    """A property of sentences that says in which bucket each is."""

    name: str
    """For people, such as `source length`."""
    buckets: tuple[Bucket, ...]
    """Disjoint. Sentences that the property says nothing of are in none."""


def make_buckets(
    sources: Sequence[str], references: Sequence[str], word_counts: Mapping[str, int] | None
) -> list[Buckets]:
    """Put sentences into buckets, by properties of their sources and references alone.

    So the buckets are the same for all systems.

    Args:
        sources: what was translated.
        references: one for each source.
        word_counts: how often each word of the sources, folded, is in the training text, as
            `count_words` counts; None if that is not known: then rare words and word forms are not
            looked at.
    """
    words = [words_of(text) for text in sources]
    found = [Buckets("source length", _ranges(list(map(len, words)), _words))]
    if word_counts is not None:
        found += [
            Buckets("rarest word", _groups(_rarest(line, word_counts) for line in words)),
            Buckets("word forms", _groups(_forms(line, word_counts) for line in words)),
        ]
    has_number = (any(map(str.isnumeric, text)) for text in sources)
    has_capitals = map(_has_capitals, words)
    pairs = zip(sources, references, strict=True)
    ratios = [len(tgt.strip()) / len(src.strip()) if src.strip() else None for src, tgt in pairs]
    return [
        *found,
        Buckets("numbers", _groups("with" if has else "without" for has in has_number)),
        Buckets(
            "names and capitals", _groups("with" if has else "without" for has in has_capitals)
        ),
        Buckets(
            "length of reference / source",
            _ranges([None if ratio is None else round(ratio, 2) for ratio in ratios], _ratio),
        ),
    ]


def folded(word: str) -> str:
    """A word form as it is counted: whatever its case."""
    return word.casefold()


def count_words(sources: Sequence[str], training_texts: Iterable[str]) -> dict[str, int]:
    """How often each word of the sources is in the training text; memory is that of the sources."""
    counts = {folded(word): 0 for text in sources for word in words_of(text) if is_form(word)}
    for text in training_texts:
        for word in words_of(text):
            if (form := folded(word)) in counts:
                counts[form] += 1
    return counts


def _rarest(words: Sequence[str], counts: Mapping[str, int]) -> str | None:
    """How often the rarest of the words that training knows was seen; None if it knows none."""
    seen = [count for word in words if is_form(word) and (count := counts[folded(word)])]
    if not seen:
        return None
    return [label for least, label in _FREQUENCIES if least <= min(seen)][-1]


def _forms(words: Sequence[str], counts: Mapping[str, int]) -> str | None:
    forms = [counts[folded(word)] for word in words if is_form(word)]
    if not forms:
        return None
    return "all seen in training" if all(forms) else "some unseen in training"


def _has_capitals(words: Sequence[str]) -> bool:
    """Whether a capital is anywhere but at the beginning."""
    return any(map(_is_capital, "".join(words)[1:]))


def _is_capital(character: str) -> bool:
    return character.isupper() or character.istitle()


def _groups(labels: Iterable[str | None]) -> tuple[Bucket, ...]:
    """A bucket for each label, those of frequencies in their order, others by the alphabet."""
    lines: dict[str, list[int]] = {}
    for number, label in enumerate(labels):
        if label is not None:
            lines.setdefault(label, []).append(number)
    known = [label for _, label in _FREQUENCIES]
    ordered = sorted(lines, key=lambda label: (label in known and known.index(label), label))
    return tuple(Bucket(label, tuple(lines[label])) for label in ordered)


def _ranges(
    values: Sequence[float | None], label: Callable[[float, float], str]
) -> tuple[Bucket, ...]:
    """Buckets of about as many sentences each; equal values are together."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return ()
    cuts = (ordered[len(ordered) * cut // _NUM_RANGES] for cut in range(1, _NUM_RANGES))
    edges = sorted({edge for edge in cuts if edge > ordered[0]})
    lines: dict[int, list[int]] = {}
    for number, value in enumerate(values):
        if value is not None:
            lines.setdefault(bisect_right(edges, value), []).append(number)
    found = []
    for _, numbers in sorted(lines.items()):
        within = [value for number in numbers if (value := values[number]) is not None]
        found.append(Bucket(label(min(within), max(within)), tuple(numbers)))
    return tuple(found)


def _words(low: float, high: float) -> str:
    if low == high:
        return "1 word" if low == 1 else f"{low:.0f} words"
    return f"{low:.0f} to {high:.0f} words"


def _ratio(low: float, high: float) -> str:
    return f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
