"""Recognise text that BLEU's default tokenization does not suit: tokenized, or without spaces."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Only full stops and commas: French puts a space before the other marks.
_MARKS = re.compile(r"\S [.,](?: |$)|@@ |\S @-@ \S|&(?:apos|quot|amp);")
_SHARE = 0.25
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Kana and Han."""


def looks_tokenized(texts: Sequence[str]) -> bool:
    """Whether over a quarter of the lines that are not blank show marks of tokenization.

    The marks are a full stop or comma after a space, `@@ ` (subwords) and Moses' escapes.
    """
    num_filled = sum(bool(text.strip()) for text in texts)
    num_marked = sum(_MARKS.search(text) is not None for text in texts)
    return num_marked > _SHARE * num_filled


def looks_unspaced(texts: Sequence[str]) -> bool:
    """Whether over a quarter of the characters are Chinese or Japanese, written without spaces."""
    text = "".join(texts)
    return len(_UNSPACED.findall(text)) > _SHARE * max(1, len(text))
