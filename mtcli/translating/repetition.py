"""Detect translations that repeat themselves, and say how they are tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.translating.options import TranslateOptions

LONGEST_UNIT = 16
"""Most pieces of what is repeated."""

FEWEST_TIMES = 4
"""Fewer times in a row are not a repetition: `very, very, very good` is good text."""

FEWEST_TIMES_WITHOUT_LETTERS = 16
"""The same for digits, points and signs: `1,000,000,000,000` has `,000` four times where the
source says `a trillion`."""

_MORE_THAN_SOURCE = 1.5
"""How much more often than the source a translation may repeat something."""

_LONGEST_SOURCE_UNIT = 64
"""Most characters of what is looked for in the source."""

_NEARLY_A_SUM, _HALF_WAY, _AVERAGE = 0.2, 0.5, 1.0
"""Exponents of the length."""

_BLOCKED_NGRAM = 3
"""Of FEWEST_TIMES in a row of whatever unit, the first three pieces come twice."""

Ids = Sequence[int]
Decode = Callable[[Ids], str]


def is_repeated(src_ids: Ids, tgt_ids: Ids, src_text: Decode, tgt_text: Decode) -> bool:
    """Whether a translation is stuck in a loop.

    It is if 1 to 16 of its pieces occur at least 4 times in a row (16 times, if they hold no
    letter), and more than 1.5 times as often as anything, pieces or characters, occurs in a row in
    the source. So a repetition that is copied or translated from the source does not count.

    Args:
        src_ids: pieces of the source.
        tgt_ids: pieces of the translation.
        src_text: decodes pieces of the source.
        tgt_text: decodes pieces of the translation.
    """
    # even a single piece four times in a row repeats three pieces; nearly all translations return
    # here
    if len(tgt_ids) - len(set(tgt_ids)) < FEWEST_TIMES - 1:
        return False
    most: float | None = None
    for start, size, times in _runs(tgt_ids):
        if times < FEWEST_TIMES_WITHOUT_LETTERS:
            unit = tgt_text(tgt_ids[start : start + size])
            if not any(character.isalpha() for character in unit):
                continue
        if most is None:
            text = src_text(src_ids)
            most = _MORE_THAN_SOURCE * max(
                most_times(src_ids, LONGEST_UNIT), most_times(text, _LONGEST_SOURCE_UNIT)
            )
        if times > most:
            return True
    return False


def most_times(items: Sequence[object], longest_unit: int) -> int:
    """The largest number of times that anything occurs in a row; a last, incomplete one counts.

    Args:
        items: what is searched.
        longest_unit: most items of what is repeated.
    """
    most = 1 if items else 0
    for size in range(1, min(longest_unit, len(items) // 2) + 1):
        for _, length in _stretches(items, size):
            most = max(most, -(-length // size))
    return most


def second_options(options: TranslateOptions) -> TranslateOptions:
    """How a repetition is translated again: so that loops are impossible, or do not pay.

    Greedy search stays greedy, without any three pieces twice: nothing can come four times in a
    row. On the sentences of Multi30k that young models repeated themselves in, its BLEU was that of
    a beam of 4, in a third of the time (`docs/results/translating.md`). Under a beam CTranslate2
    blocks n-grams in another way than torch, so the second beam is wider instead, and has next to
    no reward for length: an average over pieces rewards a loop, whose pieces are ever more
    probable; the plain sum punishes each. What was searched by a sum, or nearly so, is searched by
    an average. Both are averages with one exponent or another, which every engine supports. Batches
    are smaller by as much as the beam is wider, so that memory is the same.
    """
    search = options.search
    if search.beam_size == 1:
        return replace(options, search=replace(search, no_repeat_ngram=_BLOCKED_NGRAM))
    is_sum = search.normalization == "none" or search.length_penalty < _HALF_WAY
    wider = max(4, 2 * search.beam_size)
    return replace(
        options,
        search=replace(
            search,
            beam_size=wider,
            normalization="average",
            length_penalty=_AVERAGE if is_sum else _NEARLY_A_SUM,
        ),
        batch_size=max(1, options.batch_size * search.beam_size // wider),
    )


def rescored(hypotheses: Sequence[Hypothesis], search: SearchOptions) -> list[Hypothesis]:
    """The hypotheses with the scores that `search` gives, in their order."""
    return [
        hypothesis._replace(
            score=hypothesis.log_prob
            / search.penalty(len(hypothesis.token_ids) + hypothesis.is_complete)
        )
        for hypothesis in hypotheses
    ]


def _runs(ids: Ids) -> Iterator[tuple[int, int, int]]:
    """(start, size, times) of each stretch that is one unit, `FEWEST_TIMES` or more in a row."""
    for size in range(1, min(LONGEST_UNIT, len(ids) // FEWEST_TIMES) + 1):
        for start, length in _stretches(ids, size):
            if length >= FEWEST_TIMES * size:
                yield start, size, length // size


def _stretches(items: Sequence[object], size: int) -> Iterator[tuple[int, int]]:
    """(start, length) of each longest stretch in which every item is the one `size` before it."""
    start = 0
    for i in range(size, len(items)):
        if items[i] != items[i - size]:
            if i - start > size:
                yield start, i - start
            start = i - size + 1
    if len(items) - start > size:
        yield start, len(items) - start
