"""ROUGE: how many words, pairs of words, or words in order a summary shares with the reference.

Google's `rouge-score` is the usual library, but it takes only a to z and 0 to 9 for letters, so it
sees nothing in most languages and breaks the words of German. On English it gives the same figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from mtcli.evaluation.measured import Measured, Texts
from mtcli.evaluation.odd_texts import UNSPACED
from mtcli.evaluation.own_signature import own_signature
from mtcli.evaluation.short_outputs import share_of_lines

if TYPE_CHECKING:
    import regex


def count_rouge(texts: Texts, order: int | None) -> Measured:
    """The mean F1 of lines; of several references the best counts.

    Words are runs of letters, marks and digits, without case; where a script has no spaces between
    words, characters. Nothing is stemmed.

    Source: Lin 2004.

    Args:
        texts: what is scored.
        order: words in an n-gram; None for ROUGE-L, the longest common subsequence.
    """
    pattern = _word()

    def words(text: str) -> list[str]:
        return [str(word) for word in pattern.findall(text.lower())]

    hypotheses = [words(text) for text in texts.hypotheses]
    references = zip(*([words(text) for text in lines] for lines in texts.references), strict=True)
    values = [
        100.0 * max(_f1(hypothesis, reference, order) for reference in of_line)
        for hypothesis, of_line in zip(hypotheses, references, strict=True)
    ]
    signature = own_signature(texts, case="lc", stem="no", tok="words")
    return share_of_lines(f"ROUGE-{order or 'L'}", values, signature)


def _f1(hypothesis: Sequence[str], reference: Sequence[str], order: int | None) -> float:
    if order is None:
        common = longest_common_subsequence(hypothesis, reference)
        sizes = len(hypothesis), len(reference)
    else:
        of_hypothesis, of_reference = (_ngrams(words, order) for words in (hypothesis, reference))
        common = (of_hypothesis & of_reference).total()
        sizes = of_hypothesis.total(), of_reference.total()
    return 2 * common / sum(sizes) if common else 0.0


def _ngrams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """How many words two texts have in the same order, others left out.

    Bit i of `row` is 0 where a subsequence grows at word i of `first`, so that a word of `second`
    takes one addition instead of a row of a table.

    Source: Hyyrö 2004, Bit-parallel LCS-length computation revisited, section 3.
    """
    places: dict[str, int] = {}
    for i, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << i
    full = (1 << len(first)) - 1
    row = full
    for word in second:
        matches = row & places.get(word, 0)
        row = ((row + matches) | (row - matches)) & full
    return len(first) - row.bit_count()


@cache
def _word() -> regex.Pattern[str]:
    import regex

    letters = r"[\p{L}\p{M}\p{N}]"
    return regex.compile(rf"{UNSPACED}|[{letters}--{UNSPACED}]+", regex.VERSION1)
