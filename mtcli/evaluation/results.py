"""What an evaluation found: measured texts, compared systems, documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mtcli.evaluation.measured import Measured
from mtcli.evaluation.significance import Comparison


@dataclass(frozen=True)
class Results:
    """Of one system; each mapping is by the name of the metric."""

    measured: Mapping[str, Measured]
    baseline: Mapping[str, Measured]
    """The same for the baseline; empty without one."""
    comparisons: Mapping[str, Comparison]
    """Empty without a baseline."""
    documents: Sequence[str] | None = None
    """The document of each line; None if it is not known."""

    def scores_of_documents(self) -> dict[str, dict[str, float]]:
        """The score of each document by each metric, in the order in which documents begin."""
        lines: dict[str, list[int]] = {}
        for number, document in enumerate(self.documents or []):
            lines.setdefault(document, []).append(number)
        return {
            document: {
                name: measured.of_lines(numbers).score for name, measured in self.measured.items()
            }
            for document, numbers in lines.items()
        }
