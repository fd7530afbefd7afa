"""Show control characters, which a terminal would obey, instead of sending them."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""All but tabs and line feeds; surrogates, because no encoding has them."""


def escaped(text: str) -> str:
    r"""The text with `\x1b` for an escape: a message may quote a file of unknown origin."""
    return _CONTROLS.sub(lambda match: repr(match[0])[1:-1], text)
