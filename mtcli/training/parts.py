"""What the training loop works on, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import Update
from mtcli.data.prefetch import Prefetch
from mtcli.model.seq2seq import Seq2Seq
from mtcli.runs.folder import RunFolder
from mtcli.training.averaging import ExponentialAverage
from mtcli.training.early_stopping import BestScore
from mtcli.training.progress import Observer
from mtcli.training.schedule import PlateauState
from mtcli.training.step import StepParts
from mtcli.training.stopping import StopRequest
from mtcli.training.validation import ValidationResult, Validator


@dataclass
class Progress:
    """How far a run has come. Saved in every checkpoint."""

    step: int = 0
    """Updates made."""
    epoch: int = 0
    """Epoch of the next update, from 0."""
    update: int = 0
    """Index of the next update within its epoch."""
    total_tgt_tokens: int = 0
    """Target tokens of all updates, each counted once."""
    total_tgt_tokens_computed: int = 0
    """Target tokens that went through the model: twice those of an update with R-Drop, and before
    all those of the model that the run started from."""
    cpu_s: float = 0.0
    """CPU seconds, user and system, of all training processes of all invocations."""
    total_steps: int | None = None
    """Number of the last step, once it is known."""
    budget_steps: int | None = None
    """Number of the last step that a budget allows, once it is measured (`schedule.fit`)."""
    elapsed_s: float = 0.0

    @property
    def epoch_of_last_update(self) -> int:
        """From 0; `epoch` is already the next one when the last update ended its epoch."""
        return max(0, self.epoch - (self.update == 0))


@dataclass
class LoopParts:
    """What the loop works on. `progress`, `best`, `plateau`, the weights, the optimizers, the
    average and the loss scaler are all that changes, and all that a checkpoint holds.
    """

    config: TrainConfig
    run: RunFolder
    model: Seq2Seq
    """Whole: what is validated and saved. It is `trained`; or where that is sharded a twin on the
    CPU, which has its weights inside `whole_model` only."""
    trained: Seq2Seq
    """What the optimizers move."""
    step_parts: StepParts
    average: ExponentialAverage | None
    validator: Validator
    progress: Progress
    step_limit: int | None
    """Number of the last step that the config allows."""
    best: BestScore
    plateau: PlateauState
    open_stream: Callable[[int, int], Prefetch[Update]]
    """(epoch, update) -> the updates from there on, ending with the last epoch."""
    save_model: Callable[[int, ValidationResult], None]
    """Write the model folder of a step with the weights that the model holds now."""
    stop: StopRequest
    observer: Observer
    fingerprints: dict[str, str]
    """Of the data: `Corpus.fingerprints`."""
    cpu_before_s: float = 0.0
    """CPU seconds of the invocations before this one."""


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended."""

    is_finished: bool
    """False: stopped before the end, and resumable."""
    reason: str
