"""What `mtcli eval` says about texts that make scores lower or less comparable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtcli.cli.notes import note

if TYPE_CHECKING:
    from mtcli.evaluation.measured import Scoring
    from mtcli.evaluation.odd_texts import NamedTexts

HINTS = {
    "blank": "complete it, or remove these lines from all files",
    "tokenized": "use `--tokenize none` to score it as it is",
    "escaped": "unescape it, for example with Python's `html.unescape`",
    "unspaced": "use `--tokenize char`",
    "short": "use `--metric accuracy`, `exact_match` or `rouge-l`, or read chrF",
}
"""What to do, by the oddity of a text."""


def warn_of_odd_texts(
    hypotheses: NamedTexts,
    references: Sequence[NamedTexts],
    sources: Sequence[str] | None,
    scoring: Scoring,
    *,
    counts_words: bool,
) -> None:
    """Print what `odd_text_notes` finds."""
    for text in odd_text_notes(hypotheses, references, sources, scoring, counts_words=counts_words):
        note(text)


def odd_text_notes(
    hypotheses: NamedTexts,
    references: Sequence[NamedTexts],
    sources: Sequence[str] | None,
    scoring: Scoring,
    *,
    counts_words: bool,
) -> list[str]:
    """What makes the scores lower or less comparable than they look.

    Args:
        hypotheses: what is scored.
        references: their references.
        sources: what was translated, if it is known.
        scoring: how.
        counts_words: whether BLEU is among the metrics.
    """
    from mtcli.evaluation.odd_texts import Oddity, blank, odd_references, odd_text, short
    from mtcli.evaluation.tokenization import choose_tokenization

    language = scoring.tgt_lang, scoring.tokenize
    tokenization = choose_tokenization(*language)
    notes = []
    if tokenization.remark and counts_words:
        kind = "warning" if tokenization.is_makeshift else "note"
        notes.append(f"{kind}: {tokenization.remark}; `--tokenize` chooses another tokenization")
    findings = []
    for each in references:
        beside = hypotheses.texts if sources is None else sources
        findings += odd_references(each, beside, *language)
    findings += [finding for finding in (blank(hypotheses, references[0].texts),) if finding]
    findings += [] if tokenization.name == "none" else odd_text(hypotheses)
    if not counts_words:
        findings = [finding for finding in findings if finding.oddity is not Oddity.UNSPACED]
    elif not any(finding.oddity is Oddity.UNSPACED for finding in findings):
        findings += [finding for finding in (short(references, *language),) if finding]
    for finding in findings:
        hint = HINTS[finding.oddity.value]
        if finding.languages:
            hint = f"use `--tgt-lang` with its language, {finding.languages}"
        notes.append(f"warning: {finding.sentence}\nhint: {hint}")
    return notes
