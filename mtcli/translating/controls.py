"""Remove control characters from texts, which neither models nor lines may hold."""

from __future__ import annotations

import re

# Python's str.splitlines ends a line at many of these, and so do tools written in Python; models do
# not know them. U+FEFF is the byte-order mark, which `cat` puts in the middle of files. Tab stays,
# because it is a space to every tokenizer.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]")

_REPLACEMENTS = {
    code: " " if chr(code).isspace() else None
    for code in (*range(0xA0), 0x2028, 0x2029, 0xFEFF)
    if _CONTROL.match(chr(code))
}


def without_controls(text: str) -> str:
    """The text without control characters; those that are white space become a space.

    The result cannot break a line, neither by the rules of bytes nor by those of Unicode.
    """
    if text.isprintable():
        return text  # nearly every text; control characters are not printable
    return text.translate(_REPLACEMENTS)
