"""Split lines that are longer than any in training into parts, and join their translations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple


class Part(NamedTuple):
    """A text, or a part of one that is too long, as the model reads it."""

    text: str
    ids: list[int]


Count = Callable[[Sequence[str]], list[int]]
"""Number of pieces of each text."""

_SHORT_SENTENCE = 8
"""A sentence of fewer pieces is joined to the next one: a model needs context, and what looks like
a sentence of two words is mostly an abbreviation (`Mr. Ek`)."""

_CLOSING = "[\"'”’»)\\]]*+"
_WIDE_CLOSING = "[」』”’）)]{0,3}"


@cache
def _levels() -> tuple[re.Pattern[str], ...]:
    """Ends of sentences, clauses and words; compiled when first needed, which takes 4 ms."""
    # possessive and guarded by a look-behind: a megabyte of `!` takes linear time
    sentences = re.compile(
        rf"(?<![.!?…؟।॥])[.!?…؟।॥]++{_CLOSING}\s++|[。！？｡]{_WIDE_CLOSING}(?![。！？｡])\s*+"
    )
    clauses = re.compile(rf"[,;:،؛]{_CLOSING}\s++|\s[–—-]\s++|[、，；：]{_WIDE_CLOSING}\s*+")
    return sentences, clauses, re.compile(r"\s++")


@cache
def _wide() -> re.Pattern[str]:
    """Characters of Chinese and Japanese, which use no spaces."""
    return re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


def split_text(text: str, limit: int, count: Count) -> list[str]:
    """Split a text into parts of at most `limit` pieces; only white space is lost.

    It is split between sentences. A sentence that is still too long is split between clauses, then
    between words, then between characters, into parts of about the same length.

    Args:
        text: the text.
        limit: most pieces of a part, at least 1.
        count: says how many pieces texts have.

    Returns:
        Parts without white space around them, none empty. A part of a single character may have
        more pieces than `limit`.
    """
    text = text.strip()
    if not text:
        return []
    if count([text])[0] <= limit:
        return [text]
    return _split_at(text, limit, count, _levels())


def join_parts(parts: Sequence[str]) -> str:
    """Join translations of parts with spaces, or without after Chinese and Japanese."""
    pieces: list[str] = []
    for part in filter(None, parts):
        if pieces and not _wide().match(pieces[-1][-1]):
            pieces.append(" ")
        pieces.append(part)
    return "".join(pieces)


def _split_at(text: str, limit: int, count: Count, levels: Sequence[re.Pattern[str]]) -> list[str]:
    if not levels:
        return _split_characters(text, limit, count)
    pattern, finer = levels[0], levels[1:]
    segments = _cut_after(text, pattern)
    if len(segments) == 1:
        return _split_at(text, limit, count, finer)
    sizes = count(segments)
    if pattern is _levels()[0]:
        target = _SHORT_SENTENCE
    else:
        num_parts = -(-sum(sizes) // limit)
        target = -(-sum(sizes) // num_parts)
    parts = _pack(segments, sizes, limit, target)
    finished: list[str] = []
    for part, size in zip(parts, count(parts), strict=True):
        if size <= limit:
            finished.append(part)
        else:
            # a segment is too long by itself, or a pack has more pieces than its segments, which is
            # rare: the next level splits either
            finished += _split_at(part, limit, count, finer)
    return finished


def _cut_after(text: str, pattern: re.Pattern[str]) -> list[str]:
    """Consecutive segments of a text, each but the last ending with a match."""
    ends = [match.end() for match in pattern.finditer(text)]
    starts = [0, *ends]
    segments = [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True)]
    return [segment for segment in segments if segment.strip()]


def _pack(segments: Sequence[str], sizes: Sequence[int], limit: int, target: int) -> list[str]:
    """Join neighbours until they have `target` pieces, as long as they stay within `limit`."""
    packs: list[list[str]] = []
    pack_size = 0
    for segment, size in zip(segments, sizes, strict=True):
        if packs and pack_size < target and pack_size + size <= limit:
            packs[-1].append(segment)
            pack_size += size
        else:
            packs.append([segment])
            pack_size = size
    return ["".join(pack).strip() for pack in packs]


def _split_characters(text: str, limit: int, count: Count) -> list[str]:
    """Split between characters; parts that are still too long are halved."""
    num_parts = -(-count([text])[0] // limit)
    runs = _cut_evenly(text, num_parts)
    finished: list[str] = []
    for run, size in zip(runs, count(runs), strict=True):
        if size <= limit or len(run) == 1:
            finished.append(run)
        else:
            for half in _cut_evenly(run, 2):
                finished += split_text(half, limit, count)
    return [run for run in map(str.strip, finished) if run]


def _cut_evenly(text: str, num_parts: int) -> list[str]:
    """Between min(2, len(text)) and `num_parts` runs of about the same number of characters."""
    step = max(1, -(-len(text) // num_parts))
    ends = [min(end, len(text)) for end in range(step, len(text) + step, step)]
    runs, start = [], 0
    for end in ends:
        moved = end
        while moved > start and moved < len(text) and _belongs_to_previous(text[moved]):
            moved -= 1
        end = moved if moved > start else end
        if end > start:
            runs.append(text[start:end])
            start = end
    return runs


def _belongs_to_previous(character: str) -> bool:
    """Whether a character modifies the one before it: an accent, a joiner, a variant."""
    return unicodedata.category(character).startswith("M") or character == "\u200d"
