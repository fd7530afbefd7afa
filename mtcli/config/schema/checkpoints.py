"""Schema of which checkpoints and models a run keeps."""

from __future__ import annotations

from mtcli.config.schema.bounds import Positive
from mtcli.config.schema.sections import section


@section
class CheckpointsConfig:
    """Which checkpoints and models a run keeps."""

    every_steps: Positive | None = None
    """Steps between checkpoints, in addition to the one at each validation; null: no others."""
    keep_last: Positive = 2
    """Number of newest checkpoints to keep, and of newest models. The best model is always kept."""
    keep_best: Positive = 1
    """Number of best models to keep, by `validation.best_by`; for `mtcli average --best`."""
    average_last: Positive = 1
    """Validate and save the mean weights of the last N checkpoints; 1: no average."""
