"""The run folder: what lies where, what of it is kept, and what it says of the machine."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mtcli.folders import remove_folder, replace_link, write_text_atomically
from mtcli.runs.metrics import read_metrics_line
from mtcli.runs.names import step_name, steps_in


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run; docs/reference/files.md says what is where."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """One JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def tokenizers(self) -> Path:
        """SentencePiece models that the run trained."""
        return self.path / "tokenizer"

    @property
    def nproc(self) -> Path:
        """What `--nproc auto` has found; it may be there before the run is."""
        return self.path / "nproc.json"

    def checkpoint(self, step: int) -> Path:
        """Folder of the checkpoint after `step` updates."""
        return self.path / "checkpoints" / step_name(step)

    def model(self, step: int) -> Path:
        """Folder of the model after `step` updates."""
        return self.path / "models" / step_name(step)

    def checkpoint_steps(self) -> list[int]:
        """Steps of the checkpoints that are there, oldest first."""
        return steps_in(self.path / "checkpoints")

    def model_steps(self) -> list[int]:
        """Steps of the models that are there, oldest first."""
        return steps_in(self.path / "models")

    def point_last(self, step: int) -> None:
        """Let `last` be this checkpoint."""
        replace_link(self.path / "last", f"checkpoints/{step_name(step)}")

    def point_best(self, step: int | None) -> None:
        """Let `best` be this model; None removes the link."""
        if step is None:
            (self.path / "best").unlink(missing_ok=True)
        else:
            replace_link(self.path / "best", f"models/{step_name(step)}")

    def prune(
        self,
        *,
        keep_last: int,
        keep_checkpoints: int,
        best_steps: Collection[int | None],
        stop_steps: Collection[int],
    ) -> None:
        """Remove old checkpoints and models; the best models are kept whatever their age.

        What only stops made, the checkpoints of `stop_steps` and their models, pushes nothing else
        out, and goes once the config's next checkpoint is there.
        """
        checkpoints, models = self.checkpoint_steps(), self.model_steps()
        planned = [step for step in checkpoints if step not in stop_steps]
        newer = [step for step in sorted(stop_steps) if not planned or step > planned[-1]]
        # a model's checkpoint stays with it, for it tells that a stop made it
        stop_models = [step for step in models if step in newer][-keep_last:]
        stops = {*newer[-keep_last:], *stop_models}
        for step in {*checkpoints} - {*planned[-keep_checkpoints:]} - stops:
            remove_folder(self.checkpoint(step))
        planned = [step for step in models if step not in stop_steps]
        for step in {*models} - {*planned[-keep_last:], *best_steps, *stop_models}:
            remove_folder(self.model(step))

    def set_aside_without_checkpoint(self) -> list[Path]:
        """Rename what a run left that was killed before its first checkpoint, models and metrics.

        Returns:
            The new names.
        """
        aside = []
        if self.model_steps():
            aside.append(rename_aside(self.path / "models"))
            self.point_best(None)
        if self.metrics.exists():
            aside.append(rename_aside(self.metrics))
        return aside

    def forget_preparation(self, *, with_tokenizers: bool) -> None:
        """Remove what a run makes before its first checkpoint; its log is gone on with."""
        reports = (self.path / "tokenizer_report.json", self.path / "data_report.json")
        for path in (*reports, self.metrics):
            path.unlink(missing_ok=True)
        if with_tokenizers:
            shutil.rmtree(self.tokenizers, ignore_errors=True)

    def cut_back(self, step: int, best_step: int | None, *, is_stop: bool = False) -> None:
        """Forget what came after the checkpoint of `step`: a resumed run makes it again.

        Where a stop made that checkpoint, `best` may be its model, until the run comes further.
        """
        for later in self.checkpoint_steps():
            if later > step:
                remove_folder(self.checkpoint(later))
        for later in self.model_steps():
            if later > step:
                remove_folder(self.model(later))
        chosen = self.path / "best"
        is_here = chosen.exists() and chosen.resolve().name == step_name(step)
        if not is_here and not (is_stop and chosen.exists()):
            self.point_best(best_step)
        self.point_last(step)
        if self.metrics.exists():
            lines = self.metrics.read_text(encoding="utf-8", errors="replace").split("\n")
            kept = [
                line
                for line in lines
                if (metrics := read_metrics_line(line)) is not None
                and float(metrics["step"]) <= step
            ]
            write_text_atomically(self.metrics, "".join(line + "\n" for line in kept))


def rename_aside(path: Path) -> Path:
    """Rename to the first free `NAME.N`."""
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    return path.rename(aside)
