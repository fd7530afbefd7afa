"""Print notes on standard error: what a command does, and what its user should know."""

from __future__ import annotations

import sys

from mtcli.cli.escapes import escaped


def note(text: str) -> None:
    """Print a note; what it quotes sends a terminal no control characters."""
    print(escaped(text), file=sys.stderr)


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 line`, `2 lines`."""
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def note_invalid(number: int, noun: str) -> None:
    """Warn of input that is not UTF-8, if there was any."""
    if number:
        note(
            f"warning: {counted(number, noun)} had bytes that are not UTF-8, which were replaced"
            " by U+FFFD"
        )
