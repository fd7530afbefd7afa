"""Say on standard error what a reader of translations should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtcli.cli.notes import counted, note, note_invalid

if TYPE_CHECKING:
    from mtcli.streaming.stream import StreamReport
    from mtcli.translating.translator import Translator


def note_report(report: StreamReport, translator: Translator) -> None:
    """Say what a reader of the translations should know."""
    note_invalid(report.num_invalid, "line")
    if report.num_over_limit:
        note(
            f"{counted(report.num_over_limit, 'line')} of more than {translator.max_src_length}"
            " pieces, longer than any training source, translated in parts"
        )
    if report.num_truncated:
        note(
            f"warning: {counted(report.num_truncated, 'line')} got a translation that was cut off"
            " at its longest length"
        )
    if report.num_repeated:
        note(
            f"warning: {counted(report.num_repeated, 'line')} got a translation that repeats itself"
        )
