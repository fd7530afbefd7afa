"""Which words of a text changed since an earlier one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Part:
    """A piece of a text, as long as possible."""

    text: str
    is_new: bool
    """Whether the earlier text did not have it here."""


def marked_parts(now: str, before: str | None) -> list[Part]:
    """The text in parts, by whether they are new; nothing is new where there is no earlier text.

    Words are compared, and what is between them; of texts without spaces, characters.
    """
    if before is None:
        return [Part(now, False)] if now else []
    has_words = " " in now + before
    pieces, earlier = (_pieces(text, has_words=has_words) for text in (now, before))
    matcher = SequenceMatcher(None, earlier, pieces, autojunk=False)
    return [
        Part("".join(pieces[start:end]), kind != "equal")
        for kind, _, _, start, end in matcher.get_opcodes()
        if end > start
    ]


def _pieces(text: str, *, has_words: bool) -> list[str]:
    return re.findall(r"\w+|\W", text) if has_words else list(text)
