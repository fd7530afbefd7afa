"""Lines of bytes in, lines of bytes out: what a line is, and what of it the model may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

# Python's str.splitlines ends a line at many of these, and so do tools written in Python; the
# model knows none of them. U+FEFF is the byte-order mark, which `cat` puts in the middle of files.
# Tab stays: it is a space to every tokenizer.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


class Line(NamedTuple):
    """One line of input."""

    text: str
    """What the model may see: valid Unicode without control characters."""
    ending: bytes
    """LF, CR LF, or nothing for a last line that was not ended."""
    blank: bytes | None
    """The line's own bytes, without the ending, when `text` is blank: the answer; else None."""
    is_valid: bool
    """False when bytes that are not UTF-8 were replaced by U+FFFD."""
    num_bytes: int
    """Bytes that the line had, its ending in."""


def read_lines(source: BinaryIO) -> Iterator[Line]:
    """The lines of `source`; only the byte LF ends one, and a last line may do without.

    A line is given out as soon as it is there.
    """
    while raw := source.readline():
        yield parse_line(raw)


def parse_line(raw: bytes) -> Line:
    """One line, given with its ending."""
    if raw.endswith(b"\r\n"):
        content, ending = raw[:-2], b"\r\n"
    elif raw.endswith(b"\n"):
        content, ending = raw[:-1], b"\n"
    else:
        content, ending = raw, b""
    try:
        decoded, is_valid = content.decode("utf-8"), True
    except UnicodeDecodeError:
        decoded, is_valid = content.decode("utf-8", "replace"), False
    text = without_controls(decoded)
    return Line(text, ending, None if text.strip() else content, is_valid, len(raw))


def without_controls(text: str) -> str:
    """The text without control characters; those that are white space become a space.

    So it cannot break a line, neither by the rules of bytes nor by those of Unicode.
    """
    if text.isprintable():
        return text  # which is nearly all there is; it knows no control character
    return _CONTROL.sub(lambda match: " " if match[0].isspace() else "", text)


def encode_line(text: str, ending: bytes) -> bytes:
    """A line of output."""
    return without_controls(text).encode("utf-8", "replace") + ending
