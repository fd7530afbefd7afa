"""Colour on terminals, and only there."""

from __future__ import annotations

import os
from typing import TextIO

BOLD, RED, GREEN, CYAN = 1, 31, 32, 36
"""Codes of ANSI terminals (ECMA-48, select graphic rendition)."""


def coloured(text: str, code: int, stream: TextIO | None) -> str:
    """The text in a colour if `stream` is a terminal and NO_COLOR (no-color.org) is not set."""
    is_coloured = stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{code}m{text}\033[0m" if is_coloured else text
