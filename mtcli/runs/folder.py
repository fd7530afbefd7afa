"""The run folder: where the files of a run are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtcli.folders import link_target, replace_link
from mtcli.runs.names import step_name, steps_in


@dataclass(frozen=True)
class SavedSteps:
    """The checkpoints and models in a folder, each named after its step."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Parent of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def models(self) -> Path:
        """Parent of the models."""
        return self.path / "models"

    def checkpoint(self, step: int) -> Path:
        """Folder of the checkpoint after `step` updates."""
        return self.checkpoints / step_name(step)

    def model(self, step: int) -> Path:
        """Folder of the model after `step` updates."""
        return self.models / step_name(step)

    def checkpoint_steps(self) -> list[int]:
        """Steps of the checkpoints that exist, oldest first."""
        return steps_in(self.checkpoints)

    def model_steps(self) -> list[int]:
        """Steps of the models that exist, oldest first."""
        return steps_in(self.models)


@dataclass(frozen=True)
class RunFolder(SavedSteps):
    """Paths of one run; docs/reference/files.md says what is where. Its own checkpoints and models are those that the config asks for."""

    @property
    def stopped(self) -> SavedSteps:
        """What a stop (a signal, the end of a budget) saved between two of the config's
        checkpoints. It is removed when the run makes its next checkpoint."""
        return SavedSteps(self.path / "stopped")

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """One JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """What mtcli said while the run trained."""
        return self.path / "train.log"

    @property
    def invocations(self) -> Path:
        """The commands that made the run, one JSON object a line."""
        return self.path / "invocations.jsonl"

    @property
    def tokenizers(self) -> Path:
        """SentencePiece models that the run trained."""
        return self.path / "tokenizer"

    @property
    def nproc(self) -> Path:
        """The result of `--nproc auto`; it may exist before the run does."""
        return self.path / "nproc.json"

    @property
    def split(self) -> Path:
        """How many processes and threads the run started with."""
        return self.path / "split.json"

    @property
    def last(self) -> Path:
        """Link to the newest checkpoint; a small file that names it where there are no links."""
        return self.path / "last"

    @property
    def best(self) -> Path:
        """Link to the best model; a small file that names it where there are no links."""
        return self.path / "best"

    def all_checkpoints(self) -> dict[int, Path]:
        """Every checkpoint by its step, oldest first, those of stops included."""
        stopped = {step: self.stopped.checkpoint(step) for step in self.stopped.checkpoint_steps()}
        own = {step: self.checkpoint(step) for step in self.checkpoint_steps()}
        return dict(sorted((stopped | own).items()))

    def all_models(self) -> dict[int, Path]:
        """Every model by its step, oldest first, those of stops included."""
        stopped = {step: self.stopped.model(step) for step in self.stopped.model_steps()}
        own = {step: self.model(step) for step in self.model_steps()}
        return dict(sorted((stopped | own).items()))

    def point_last(self, checkpoint: Path) -> None:
        """Let `last` be this checkpoint."""
        replace_link(self.last, checkpoint.relative_to(self.path).as_posix())

    def best_model(self) -> Path | None:
        """The model that `best` points to, whether it exists or not; None without a link."""
        return link_target(self.best)

    def point_best(self, model: Path | None) -> None:
        """Let `best` be this model; None removes the link."""
        if model is None:
            self.best.unlink(missing_ok=True)
        else:
            replace_link(self.best, model.relative_to(self.path).as_posix())
