"""Texts that count as the same, so that no pair is validated on that was trained on."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex


def same_text(text: str) -> str:
    """What texts have in common that differ in case, white space or form of characters alone.

    The form is that of NFKC without invisible characters; the result is only for comparing.
    """
    if not text.isascii():
        text = _invisible().sub("", unicodedata.normalize("NFKC", text))
    return " ".join(text.casefold().split())


@cache
def _invisible() -> regex.Pattern[str]:
    import regex

    return regex.compile(r"\p{Default_Ignorable_Code_Point}+")
