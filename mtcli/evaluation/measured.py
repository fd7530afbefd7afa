"""What a metric counts in each line of a text: every score of it follows from sums of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ScoreOf: TypeAlias = Callable[[Sequence[float]], float]
"""From the summed counts of some lines to their score."""


@dataclass(frozen=True)
class Texts:
    """What is scored. All lists are equally long."""

    hypotheses: Sequence[str]
    references: Sequence[Sequence[str]]
    """One list, or several."""
    sources: Sequence[str] | None = None
    """What was translated; None if it is not known."""


@dataclass(frozen=True)
class Scoring:
    """How texts are scored."""

    tgt_lang: str = "en"
    """BCP 47 tag that chooses BLEU's tokenization unless `tokenize` is given."""
    tokenize: str | None = None
    """A tokenization of sacreBLEU's for BLEU, or None."""
    lowercase: bool = False
    """Whether case is ignored."""


@dataclass(frozen=True)
class Measured:
    """A text, counted line by line, with what turns sums of counts into scores."""

    metric: str
    """As it is printed, such as `BLEU`."""
    counts_NC: NDArray[np.float64]
    """Of N lines, C counts each."""
    signature: str
    """What it takes to compute the score again; it starts with the number of references."""
    score_of: ScoreOf
    score_of_line: ScoreOf
    """The same for a single line, where a metric makes a difference."""
    lowest: float | None = 0.0
    highest: float | None = 100.0
    """Bounds of the score; None: unbounded."""
    is_error_rate: bool = False
    """Whether less is better."""

    @property
    def score(self) -> float:
        """The score of all lines."""
        return float(self.score_of(self.counts_NC.sum(axis=0).tolist()))

    def line_scores(self) -> list[float]:
        """The score of each line by itself."""
        return [float(self.score_of_line(counts)) for counts in self.counts_NC.tolist()]

    def of_lines(self, numbers: Sequence[int]) -> Measured:
        """Some of the lines, such as those of a document; numbers start at 0."""
        return replace(self, counts_NC=self.counts_NC[list(numbers)])
