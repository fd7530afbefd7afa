"""Which model is the best so far, and whether it is time to stop."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class BestScore:
    """The best validation so far. For `loss` lower is better, else higher."""

    metric: str
    score: float | None = None
    step: int | None = None
    num_worse: int = 0
    """Validations since then."""

    def validated(self, score: float, step: int) -> bool:
        """Record a validation. Returns True if it is the best so far; equal scores are not."""
        better = self.score is None or (
            score < self.score if self.metric == "loss" else score > self.score
        )
        if better:
            self.score, self.step, self.num_worse = score, step, 0
        else:
            self.num_worse += 1
        return better

    def is_exhausted(self, patience: int | None) -> bool:
        """Whether `patience` validations in a row were no better; never with None."""
        return patience is not None and self.num_worse >= patience

    def state_dict(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the best so far; of another metric there is none yet."""
        if state["metric"] == self.metric:
            self.score, self.step, self.num_worse = (
                state["score"],
                state["step"],
                state["num_worse"],
            )
