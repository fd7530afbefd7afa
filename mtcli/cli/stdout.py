"""A standard output that can print every text, whatever its encoding."""

from __future__ import annotations

import io
import sys


def escape_what_cannot_be_printed() -> None:
    r"""Let standard output print `\xf6` where its encoding has no `ö`, instead of failing.

    Standard error does so by itself. YAML and JSON read the escapes back.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
