"""What `mtcli train --check` says of the training text: counts, lengths, odd pairs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mtcli.data.statistics import CorpusStatistics, SideStatistics
from mtcli.training.finding import Finding

_BOUNDS = (0, 10, 20, 40, 80, 160, 320, 640)
"""Lengths in characters that the rows of the histogram end with; the last row has no end."""
_BAR_WIDTH = 30
_NUM_SHOWN = 3
_SHOWN_CHARS = 70

Pair = tuple[int, str, str]
"""Number in the corpus, from 0, source and target."""


def describe_texts(counted: CorpusStatistics, num_blank_lines: int, seed: int) -> Finding:
    """The finding about the training text.

    Args:
        counted: what it holds.
        num_blank_lines: lines without text, which the readers left out.
        seed: chooses the random pairs.
    """
    drawn = random.Random(seed).sample(counted.sample, min(_NUM_SHOWN, len(counted.sample)))
    odd = oddest_pairs(counted.sample, _NUM_SHOWN)
    num_read = counted.num_pairs
    shares = {
        name: {"count": count, "share": count / max(1, num_read)}
        for name, count in (
            ("identical", counted.num_identical),
            ("doubled", counted.num_doubled),
            ("blank", counted.num_blank),
        )
    }
    shown = ", ".join(f"{name} {s['count']:,} ({s['share']:.1%})" for name, s in shares.items())
    if num_blank_lines:
        shown += f"; {num_blank_lines:,} blank lines"
    values = {
        "num_read": num_read,
        "num_blank_lines": num_blank_lines,
        "is_sample": len(counted.sample) < counted.num_pairs - counted.num_blank,
        **shares,
        "src": _side_values(counted.src),
        "tgt": _side_values(counted.tgt),
        "random_pairs": [_pair_values(pair) for pair in drawn],
        "oddest_pairs": [_pair_values(pair) for pair in odd],
    }
    lines = [
        f"pairs read: {num_read:,}; {shown}",
        *_histogram(counted),
        "random pairs:",
        *(line for pair in drawn for line in _shown(pair)),
        "oddest pairs, by the lengths of their sides:",
        *(line for pair in odd for line in _shown(pair)),
    ]
    return Finding("texts", values, lines)


def oddest_pairs(pairs: Sequence[Pair], number: int) -> list[Pair]:
    """The pairs whose lengths fit each other least, the oddest first, no text twice.

    Source: Gale and Church 1993, equation for delta: a target has so many characters for each of
    the source, with a variance that grows with the length.
    """
    num_src = sum(len(src) for _, src, _ in pairs)
    num_tgt = sum(len(tgt) for _, _, tgt in pairs)
    ratio = num_tgt / max(1, num_src)
    different = {(src, tgt): (number, src, tgt) for number, src, tgt in reversed(pairs)}
    return sorted(
        different.values(),
        key=lambda pair: (-abs(len(pair[2]) - ratio * len(pair[1])) / len(pair[1]) ** 0.5, pair[0]),
    )[:number]


def _side_values(side: SideStatistics) -> dict[str, object]:
    return {
        "num_chars": side.num_chars,
        "mean_chars": side.mean_length,
        "median_chars": side.length_at(0.5),
        "longest_chars": side.longest,
        "num_words": side.num_words,
        "num_word_types": side.num_word_types,
        "scripts": side.scripts,
        "histogram": [
            {"from_chars": low + 1, "to_chars": high, "count": count}
            for (low, high), count in zip(_rows(), _counts(side), strict=True)
        ],
    }


def _rows() -> list[tuple[int, int | None]]:
    """Above which length, and up to which, each row of the histogram counts."""
    return [*pairwise(_BOUNDS), (_BOUNDS[-1], None)]


def _counts(side: SideStatistics) -> list[int]:
    return [
        sum(
            count
            for length, count in side.length_counts.items()
            if low < length and (high is None or length <= high)
        )
        for low, high in _rows()
    ]


def _histogram(counted: CorpusStatistics) -> Iterator[str]:
    src, tgt = _counts(counted.src), _counts(counted.tgt)
    most = max(1, *src, *tgt)
    yield "lengths in characters   source    target"
    for (low, high), num_src, num_tgt in zip(_rows(), src, tgt, strict=True):
        if num_src or num_tgt:
            name = f"{low + 1} to {high}" if high else f"above {low}"
            bar = "#" * round(_BAR_WIDTH * max(num_src, num_tgt) / most)
            yield f"  {name:<14} {num_src:>13,} {num_tgt:>9,}  {bar}".rstrip()
    yield (
        f"  median {counted.src.length_at(0.5)} and {counted.tgt.length_at(0.5)},"
        f" longest {counted.src.longest:,} and {counted.tgt.longest:,}"
    )


def _pair_values(pair: Pair) -> dict[str, object]:
    return {"number": pair[0] + 1, "src": pair[1], "tgt": pair[2]}


def _shown(pair: Pair) -> Iterator[str]:
    """A pair on two lines, which nothing in it can break."""
    for name, text in zip((f"pair {pair[0] + 1}", ""), pair[1:], strict=True):
        short = text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 3]}..."
        yield f"  {name:<12}  {''.join(c if c.isprintable() else ' ' for c in short)}"
