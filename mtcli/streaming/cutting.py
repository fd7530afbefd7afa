"""Cut lines that are too long for the memory into parts, while they are read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from mtcli.translating.boundaries import Kind, find_sentence_ends, word_cuts

_LOOKED_AT = 4096
"""Bytes at the end of a part in which the end of a sentence or a word is looked for."""


def cut_parts(content: bytes, max_bytes: int) -> Iterator[bytes]:
    """The parts of a line, all of its bytes in their order; the last one may be the whole.

    Each part but the last ends where a sentence does, else behind a word, else between characters.

    Args:
        content: the line, without its ending.
        max_bytes: most bytes of a part; at least 8, so that a character fits in.
    """
    start = 0
    while len(content) - start > max_bytes:
        end = _place(content, start, start + max_bytes)
        yield content[start:end]
        start = end
    yield content[start:]


def _place(content: bytes, start: int, end: int) -> int:
    """Where a part ends that begins at `start` and may go to `end`."""
    end = _between_characters(content, start, end)
    # from the middle on: a part should be about as long as it may be
    first = max(end - _LOOKED_AT, (start + end) // 2)
    # what is not UTF-8 keeps its length this way
    text = content[first:end].decode("utf-8", "surrogateescape")
    place = _place_in_text(text)
    end = first + len(text[:place].encode("utf-8", "surrogateescape"))
    end = _between_characters(content, start, end)
    is_between_cr_and_lf = content[end - 1 : end] == b"\r" and end - 1 > start
    return end - is_between_cr_and_lf


def _place_in_text(text: str) -> int:
    """The last good place to cut a text at, not at its start."""
    sentence_ends = [end.cut for end in find_sentence_ends(text) if end.kind is Kind.SURE]
    for cuts in (sentence_ends, word_cuts(text)):
        if cuts:
            return cuts[-1]
    place = len(text)
    # what follows may belong to the last character, so that it goes with it
    while place > 1 and _belongs_to_previous(text[place - 1]):
        place -= 1
    return place - 1 if place > 1 else len(text)


def _between_characters(content: bytes, start: int, place: int) -> int:
    """The last place up to `place` that is inside no character, but behind `start`."""
    while place > start + 1 and _is_inside_character(content, place):
        place -= 1
    return place


def _is_inside_character(content: bytes, place: int) -> bool:
    """Whether a character of UTF-8 begins in the three bytes before `place`, and goes beyond it."""
    for back in range(1, 4):
        byte = content[place - back] if place >= back else 0
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return length > back and content[place] & 0xC0 == 0x80
        if byte < 0x80:
            return False
    return False


def _belongs_to_previous(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or character == "\u200d"
