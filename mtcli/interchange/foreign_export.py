"""The report on an export to another toolkit, and when the export is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtcli.errors import MtcliError
from mtcli.translating.answer import Translation

THRESHOLD = 0.98
"""Least agreement: all compute in float32."""


class ForeignVerificationError(MtcliError):
    """An export to another toolkit translates too differently from its model; it was not kept."""


@dataclass(frozen=True)
class Agreement:
    """The model and its export on the same lines."""

    num_lines: int
    """At least one."""
    num_alike: int
    """Lines that both translate alike."""
    log_prob_difference: float
    """Largest difference of log-probability per output piece among lines translated alike, in nats;
    0 if there are none."""

    @property
    def share(self) -> float:
        """Share of the lines that both translate alike."""
        return self.num_alike / self.num_lines


@dataclass(frozen=True)
class ForeignExportReport:
    """What was exported, and how it was verified."""

    folder: Path
    toolkit: str
    """For people: `Hugging Face (MarianMTModel)`."""
    model_bytes: int
    """Size of the weights in the model folder."""
    export_bytes: int
    """Size of what was written."""
    is_made_up: bool
    """Whether the lines are random pieces because no text was given."""
    verified_with: str | None
    """The other toolkit and its version; None if it is not installed, and the export was read back
    instead."""
    agreement: Agreement | None
    """None if nothing translated, because all weights and pieces that were read back are the
    model's."""
    install: str
    """The line that installs the other toolkit."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeignTranslation:
    """What the other toolkit makes of a line."""

    text: str
    log_prob: float
    num_pieces: int
    """EOS counted."""


def agreement_of(ours: Sequence[Translation], theirs: Sequence[ForeignTranslation]) -> Agreement:
    """Compare translations line by line.

    Raises:
        ForeignVerificationError: there is no line, which would agree with anything.
    """
    if not ours:
        raise ForeignVerificationError(
            "the export was not kept: none of the lines to compare has text",
            hint="give other lines to `--verify-on`",
        )
    num_alike, difference = 0, 0.0
    for mine, other in zip(ours, theirs, strict=True):
        if mine.text == other.text:
            num_alike += 1
            gap = abs(mine.log_prob - other.log_prob) / max(1, other.num_pieces)
            difference = max(difference, gap)
    return Agreement(len(ours), num_alike, difference)


def check_agreement(output: Path, agreement: Agreement, toolkit: str, threshold: float) -> None:
    """Refuse to keep an export that translates too differently.

    Raises:
        ForeignVerificationError: fewer lines are translated alike than the threshold asks for.
    """
    if agreement.share < threshold:
        raise ForeignVerificationError(
            f"{output} was not kept: {toolkit} translates {agreement.num_alike} of"
            f" {agreement.num_lines} lines as the model does, which is below the threshold of"
            f" {threshold:.1%}"
        )
