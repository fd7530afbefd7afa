"""Replace control characters: what of a text the model may see, and what a line may hold."""

from __future__ import annotations

import re

# Python's str.splitlines ends a line at many of these, and so do tools written in Python; the
# model knows none of them. U+FEFF is the byte-order mark, which `cat` puts in the middle of files.
# Tab stays: it is a space to every tokenizer.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def without_controls(text: str) -> str:
    """The text without control characters; those that are white space become a space.

    So it cannot break a line, neither by the rules of bytes nor by those of Unicode.
    """
    if text.isprintable():
        return text  # which is nearly all there is; it knows no control character
    return _CONTROL.sub(lambda match: " " if match[0].isspace() else "", text)
