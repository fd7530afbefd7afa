"""What both languages do with the words of a sentence: commas, the capital, the final mark."""

from __future__ import annotations

from collections.abc import Sequence


def punctuate(words: Sequence[str], mark: str) -> str:
    """The words as a sentence; commas lean left, and none is doubled or stands before the mark."""
    text = ""
    for word in words:
        if word == ",":
            text = text if text.endswith(",") else text + ","
        else:
            text += f" {word}" if text else word
    text = text.removesuffix(",")
    return text[0].upper() + text[1:] + mark
