"""The learning rate over time, as a multiple of its peak."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from mtcli.config.schema.optimization import (
    CosineConfig,
    InverseSqrtConfig,
    LinearConfig,
    PlateauConfig,
    Schedule,
    WsdConfig,
)
from mtcli.training.saved_values import saved_value


def lr_multiplier(
    config: Schedule, step: int, total_steps: int | None, plateau: float = 1.0
) -> float:
    """What the peak learning rate is multiplied by at `step`, the first update being step 1.

    Args:
        config: the schedule.
        step: number of the update that is about to be made, from 1.
        total_steps: number of the last one; None only where the schedule needs none.
        plateau: reductions so far of a plateau schedule.

    Source: the docstrings of the config sections name the papers.
    """
    if step <= config.warmup_steps:
        return step / config.warmup_steps
    if isinstance(config, InverseSqrtConfig):
        return math.sqrt(config.warmup_steps / step)
    if isinstance(config, PlateauConfig):
        return max(config.min_ratio, plateau)
    if total_steps is None:
        raise ValueError(f"schedule {config.kind} needs to know the last step")
    # Past the end the rate stays where it ended. The curve ends at the step after the last one:
    # with a `linear` decay to 0 the last update would otherwise be wasted.
    after_warmup = max(1, total_steps + 1 - config.warmup_steps)
    progress = min(1.0, (step - config.warmup_steps) / after_warmup)
    match config:
        case CosineConfig():
            shape = (1 + math.cos(math.pi * progress)) / 2
        case LinearConfig():
            shape = 1 - progress
        case WsdConfig():
            decay_steps = round(config.decay_ratio * total_steps)
            # it begins at the peak: behind the warm-up, if the share reaches into that
            decay_steps = max(1, min(decay_steps, total_steps + 1 - config.warmup_steps))
            shape = min(1.0, max(0.0, (total_steps + 1 - step) / decay_steps))
    return config.final_ratio + (1 - config.final_ratio) * shape


def needs_total_steps(config: Schedule) -> bool:
    """Whether the schedule cannot be followed without knowing the last step."""
    return isinstance(config, CosineConfig | LinearConfig | WsdConfig)


def fits_budget(config: Schedule) -> bool:
    """Whether the last step is to be found from the throughput and `--budget`."""
    return isinstance(config, CosineConfig | LinearConfig | WsdConfig) and config.fit == "budget"


@dataclass
class PlateauState:
    """How far a plateau schedule has reduced the learning rate; idle for other schedules."""

    ratio: float = 1.0
    num_worse: int = 0

    def validated(self, config: Schedule, *, is_better: bool) -> bool:
        """Record a validation. Returns True if the learning rate falls because of it."""
        if not isinstance(config, PlateauConfig):
            return False
        self.num_worse = 0 if is_better else self.num_worse + 1
        if self.num_worse < config.patience:
            return False
        self.num_worse = 0
        self.ratio = max(config.min_ratio, self.ratio * config.factor)
        return True

    def state_dict(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over all fields.

        Raises:
            CheckpointError: a value is missing, or of another type.
        """
        self.ratio = saved_value(state, "ratio", float)
        self.num_worse = saved_value(state, "num_worse", int)
