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
from mtcli.training.best_score import BestScore
from mtcli.training.observers import Observer
from mtcli.training.progress import Progress
from mtcli.training.schedule import PlateauState
from mtcli.training.step import StepParts
from mtcli.training.stopping import StopRequest
from mtcli.training.validation import ValidationResult, Validator


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
