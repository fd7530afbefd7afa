"""Which model is the best so far, and whether it is time to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import NoneType
from typing import Any

from mtcli.runs.ranking import is_zero, rank_key
from mtcli.training.saved_values import saved_value


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

        A better validation is progress. While the score that ranks is 0.00, so is a loss that was
        never as low.

        Args:
            scores: the loss and what else was computed, by the names of `validation.metrics`.
            step: of the validation.
        """
        is_best = self.score is None or rank_key(self.metric, scores) > self._key()
        learns = self.lowest_loss is None or scores["loss"] < self.lowest_loss
        if learns:
            self.lowest_loss = scores["loss"]
        if is_best:
            self.score, self.step = scores[self.metric], step
            self.loss, self.chrf = scores["loss"], scores.get("chrf")
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

        Raises:
            CheckpointError: a value is missing, or of another type.
        """
        if saved_value(state, "metric", str) != self.metric:
            return
        older = {"loss": None, "chrf": None, "lowest_loss": None}
        self.score = saved_value(state, "score", float, NoneType)
        self.step = saved_value(state, "step", int, NoneType)
        self.num_worse = saved_value(state, "num_worse", int)
        self.loss = saved_value(older | state, "loss", float, NoneType)
        self.chrf = saved_value(older | state, "chrf", float, NoneType)
        self.lowest_loss = saved_value(older | state, "lowest_loss", float, NoneType)
