"""Which model is the best so far, and whether it is time to stop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class BestScore:
    """The best validation so far. For `loss` lower is better, else higher."""

    metric: str
    score: float | None = None
    step: int | None = None
    num_worse: int = 0
    """Validations since."""

    def validated(self, score: float, step: int) -> bool:
        """Take note of a validation; whether it is the best so far. Equal scores do not count."""
        better = self.score is None or (
            score < self.score if self.metric == "loss" else score > self.score
        )
        if better:
            self.score, self.step, self.num_worse = score, step, 0
        else:
            self.num_worse += 1
        return better

    def is_exhausted(self, patience: int | None) -> bool:
        """Whether `patience` validations in a row were no better; None never is."""
        return patience is not None and self.num_worse >= patience
