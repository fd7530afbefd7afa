"""What the training loop works on."""

from __future__ import annotations

from dataclasses import dataclass

from mtcli.config.schema.root import TrainConfig
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.training.clock import Clock
from mtcli.training.corpus import Corpus
from mtcli.training.observers.protocol import Observers
from mtcli.training.state import RunState
from mtcli.training.step import StepParts
from mtcli.training.stopping import StopRequest
from mtcli.training.trained_model import TrainedModel
from mtcli.training.validation import Validator


@dataclass(frozen=True)
class LoopParts:
    """What the loop works on, from the first update to the last."""

    config: TrainConfig
    run: RunFolder
    corpus: Corpus
    model: TrainedModel
    step_parts: StepParts
    state: RunState
    """All that changes, and all that a checkpoint holds."""
    validator: Validator
    step_limit: int | None
    """Number of the last step that the config allows."""
    stop: StopRequest
    observers: Observers
    clock: Clock

    @property
    def world(self) -> World:
        """The processes that train together."""
        return self.step_parts.world

    @property
    def numerics(self) -> Numerics:
        """Device and precision."""
        return self.step_parts.numerics
