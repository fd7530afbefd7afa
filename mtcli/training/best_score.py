"""Which model is the best so far, and whether it is time to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mtcli.runs.ranking import is_zero, rank_key


@dataclass
class BestScore:
    """The best validation so far, as `mtcli.runs.ranking` ranks them."""

    metric: str
    score: float | None = None
    step: int | None = None
    num_worse: int = 0
    """Validations in a row without progress."""
    loss: float | None = None
    """Of the best validation, as `chrf`: they decide between equal scores."""
    chrf: float | None = None
    lowest_loss: float | None = None
    """Of all validations."""

    def validated(self, scores: Mapping[str, float], step: int) -> bool:
        """Record a validation. Returns True if it is the best so far.

        A better validation is progress. While BLEU (or chrF, if that ranks) is 0.00, so is a loss
        that was never as low.

        Args:
            scores: `bleu`, `chrf` and `loss`.
            step: of the validation.
        """
        is_best = self.score is None or rank_key(self.metric, scores) > self._key()
        learns = self.lowest_loss is None or scores["loss"] < self.lowest_loss
        if learns:
            self.lowest_loss = scores["loss"]
        if is_best:
            self.score, self.step = scores[self.metric], step
            self.loss, self.chrf = scores["loss"], scores["chrf"]
        if is_best or (learns and is_zero(self.metric, scores[self.metric])):
            self.num_worse = 0
        else:
            self.num_worse += 1
        return is_best

    @property
    def made_progress(self) -> bool:
        """Whether the last validation showed progress."""
        return self.num_worse == 0

    def is_exhausted(self, patience: int | None) -> bool:
        """Whether `patience` validations in a row showed no progress; never with None."""
        return patience is not None and self.num_worse >= patience

    def _key(self) -> tuple[float, ...]:
        known = {"loss": self.loss, "chrf": self.chrf, self.metric: self.score}
        return rank_key(self.metric, {k: v for k, v in known.items() if v is not None})

    def state_dict(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the best so far; of another metric there is none yet.

        Checkpoints of mtcli 0.1.0 do not know what decides between equal scores.
        """
        if state["metric"] == self.metric:
            for field in fields(self):
                setattr(self, field.name, state.get(field.name))
