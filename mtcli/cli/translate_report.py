"""Say on standard error what a reader of translations should know."""

from __future__ import annotations

import unicodedata
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from mtcli.cli.notes import counted, note, note_invalid

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from mtcli.streaming.stream import StreamReport
    from mtcli.translating.documents import Fallbacks
    from mtcli.translating.translator import Translator

_MOST_CHARACTERS = 10
"""Characters that a note lists."""


def note_report(report: StreamReport, translator: Translator, max_line_bytes: int) -> None:
    """Say what a reader of the translations should know."""
    note_invalid(report.num_invalid, "line")
    if report.num_cut:
        note(
            f"warning: {counted(report.num_cut, 'line')} of more than {max_line_bytes:,} bytes"
            " (`--max-line-bytes`), cut into parts while reading"
        )
    if report.num_over_limit:
        note(
            f"{counted(report.num_over_limit, 'line')} of more than {translator.max_src_length}"
            " pieces, longer than any training source, translated in parts"
        )
    note_fallbacks(report.fallbacks)
    if report.num_truncated:
        note(
            f"warning: {counted(report.num_truncated, 'line')} got a translation that was cut off"
            " at its longest length"
        )
    if report.num_repeated:
        note(
            f"warning: {counted(report.num_repeated, 'line')} got a translation that repeats itself"
        )
    if report.num_unseen:
        note(
            f"warning: {counted(report.num_unseen, 'line')} had characters that the model never saw"
            f" in training, so that text may be missing there: {_described(report.unseen)}"
        )


def note_fallbacks(fallbacks: Fallbacks) -> None:
    """Warn of groups of lines that could not be translated together, if there are any."""
    if fallbacks.num_unequal:
        note(f"warning: {fallbacks.in_words('lines')}")


def _described(characters: Counter[str]) -> str:
    """The commonest characters with their code points and numbers of lines."""
    shown = [
        f"{_visible(character)}U+{ord(character):04X} ({counted(number, 'line')})"
        for character, number in characters.most_common(_MOST_CHARACTERS)
    ]
    others = len(characters) - len(shown)
    return ", ".join(shown) + (f" and {counted(others, 'other')}" if others else "")


def _visible(character: str) -> str:
    """The character and a space, unless it would join the text around it or reverse it."""
    is_mark = unicodedata.category(character).startswith("M")
    return f"{character} " if character.isprintable() and not is_mark else ""


def note_other_kind(path: Path) -> None:
    """Warn of a file whose lines are not sentences, but are translated as a whole."""
    from mtcli.data.other_kinds import HEAD_LINES, other_kind
    from mtcli.system.raw_lines import MAX_LINE_BYTES
    from mtcli.system.text_input import open_text

    if not path.is_file():  # a pipe can be read only once
        return
    with open_text(path) as file:
        lines = iter(partial(file.readline, MAX_LINE_BYTES), b"")
        head = [line.decode("utf-8", "replace").rstrip("\n") for line in islice(lines, HEAD_LINES)]
    if other := other_kind(head):
        note(f"warning: {path} {other.what}; each line is translated as a whole")


def describe_choice(model: Path, checkpoint: str, chosen: Path) -> str:
    """Which model of a run translates."""
    if chosen == model:
        return f"translating with {model}"
    which = {"best": "the best model", "last": "the last model"}.get(checkpoint, "a model")
    if checkpoint == "best" and not (model / "best").exists():
        which = "the last model (no validation found a best one yet)"
    return f"translating with {chosen}, {which} of {model}"
