"""Split lines that are longer than any in training into parts, and join their translations."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mtcli.translating.boundaries import Cuts, clause_cuts, ends_without_space, word_cuts
from mtcli.translating.sentences import doubtful_cuts, sentence_cuts


class Part(NamedTuple):
    """A text, or a part of one that is too long, as the model reads it."""

    text: str
    ids: list[int]


Count = Callable[[Sequence[str]], list[int]]
"""Number of pieces of each text."""

_SHORT_SENTENCE = 8
"""A sentence of fewer pieces is joined to the next one: a model needs context, and what looks like
a sentence of two words is mostly an abbreviation (`Mr. Ek`)."""


def split_text(text: str, limit: int, count: Count, lang: str) -> list[str]:
    """Split a text into parts of at most `limit` pieces; only white space is lost.

    It is split between sentences. A part that is still too long is split where a sentence may end,
    then between clauses, then between words, then between characters, into parts of about the same
    length.

    Args:
        text: the text.
        limit: most pieces of a part, at least 1.
        count: says how many pieces texts have.
        lang: BCP 47 tag of its language.

    Returns:
        Parts without white space around them, none empty. A part of a single character may have
        more pieces than `limit`.
    """
    levels = [
        _Level(sentence_cuts(lang), is_sentence=True),
        _Level(doubtful_cuts(lang), is_sentence=True),
        _Level(clause_cuts),
        _Level(word_cuts),
    ]
    return _split(text, limit, count, levels)


def join_parts(parts: Sequence[str]) -> str:
    """Join translations of parts with spaces, or without after Chinese and Japanese."""
    pieces: list[str] = []
    for part in filter(None, parts):
        pieces += [joint(pieces[-1]) if pieces else "", part]
    return "".join(pieces)


def joint(before: str) -> str:
    """What joins a translation to the one before it: a space, or nothing."""
    return " " if before and not ends_without_space(before) else ""


class _Level(NamedTuple):
    """One way of cutting; the next one is finer."""

    cuts: Cuts
    is_sentence: bool = False
    """Whether the segments are sentences, which stand alone; others are made as long as fits."""


def _split(text: str, limit: int, count: Count, levels: Sequence[_Level]) -> list[str]:
    text = text.strip()
    if not text:
        return []
    return [text] if count([text])[0] <= limit else _split_at(text, limit, count, levels)


def _split_at(text: str, limit: int, count: Count, levels: Sequence[_Level]) -> list[str]:
    if not levels:
        return _split_characters(text, limit, count)
    level, finer = levels[0], levels[1:]
    segments = _segments(text, level.cuts(text))
    if len(segments) == 1:
        return _split_at(text, limit, count, finer)
    sizes = count(segments)
    if level.is_sentence:
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


def _segments(text: str, cuts: Sequence[int]) -> list[str]:
    """What is between the cuts, with all white space; segments of nothing else are left out."""
    segments = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
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
                finished += _split(half, limit, count, ())
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
