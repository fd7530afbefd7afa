"""The run folder: who may write into it, whose run it is, and what of it is kept."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mtcli.bundle.model_folder import read_model
from mtcli.config.load import differences, dump_config, identity_differences, load_config
from mtcli.config.schema import TrainConfig
from mtcli.errors import RunFolderError
from mtcli.folders import remove_leftovers, replace_link, write_json, write_text_atomically

_STEP = re.compile(r"step_(\d{8,})")


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run; see the README's architecture section for what lies where."""

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
        return _steps_in(self.path / "checkpoints")

    def model_steps(self) -> list[int]:
        """Steps of the models that are there, oldest first."""
        return _steps_in(self.path / "models")

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

        Of the checkpoints that only a stop made, `stop_steps`, none counts among those that are
        kept, and only the newest of all stays.
        """
        steps = self.checkpoint_steps()
        kept = {*[s for s in steps if s not in stop_steps][-keep_checkpoints:], *steps[-1:]}
        for step in steps:
            if step not in kept:
                _remove(self.checkpoint(step))
        for step in self.model_steps()[:-keep_last]:
            if step not in best_steps:
                _remove(self.model(step))

    def forget_preparation(self) -> None:
        """Remove what a run makes before its first checkpoint; its log is gone on with."""
        shutil.rmtree(self.tokenizers, ignore_errors=True)
        for path in (self.config, self.metrics):
            path.unlink(missing_ok=True)

    def cut_back(self, step: int, best_step: int | None, *, is_stop: bool = False) -> None:
        """Forget what came after the checkpoint of `step`: a resumed run makes it again.

        Where a stop made that checkpoint, its model and validation go as well: without the stop
        they would not be.
        """
        for later in self.checkpoint_steps():
            if later > step:
                _remove(self.checkpoint(later))
        for later in self.model_steps():
            if later > step or (is_stop and later == step):
                _remove(self.model(later))
        self.point_best(best_step)
        self.point_last(step)
        if self.metrics.exists():
            kept = [
                line
                for line in self.metrics.read_text(encoding="utf-8").split("\n")
                if line and _precedes(line, step, is_stop=is_stop)
            ]
            write_text_atomically(self.metrics, "".join(line + "\n" for line in kept))


def rank_models(run: RunFolder, metric: str) -> list[int]:
    """Steps of the models that are there, best first by `bleu`, `chrf` or `loss`; of equals the
    earlier one.
    """
    sign = -1 if metric == "loss" else 1
    scored = []
    for step in run.model_steps():
        for score in read_model(run.model(step)).scores:
            if score.metric.lower() == metric and score.split == "valid":
                scored.append((-sign * score.score, step))
    return [step for _, step in sorted(scored)]


def step_name(step: int) -> str:
    """Name of a step's folder."""
    return f"step_{step:08d}"


def _steps_in(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    found = (_STEP.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in found if match)


def _remove(folder: Path) -> None:
    # Renamed first: a kill half-way must not leave a folder that looks like a checkpoint.
    doomed = folder.with_name(f".{folder.name}.tmp-{os.getpid()}-{platform.node()}-00000000")
    shutil.rmtree(doomed, ignore_errors=True)
    folder.rename(doomed)
    shutil.rmtree(doomed)


def _precedes(line: str, step: int, *, is_stop: bool) -> bool:
    """Whether a line of metrics.jsonl is from before the checkpoint of `step` was written."""
    try:
        metrics = json.loads(line)
        if is_stop and metrics["kind"] == "validation":
            return bool(metrics["step"] < step)
        return bool(metrics["step"] <= step)
    except (ValueError, KeyError, TypeError):
        return False  # the torn last line of a killed run


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the run folder's lock; the system releases it when the process ends, however it ends.

    Raises:
        RunFolderError: another process holds it, or the folder cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / ".lock").open("a+")
    except OSError as error:
        raise RunFolderError(
            f"cannot write into the run folder {path}: {error.strerror}"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise RunFolderError(
                f"{path} is in use by another mtcli (process {holder}); wait for it, stop it,"
                " or give this run another run_dir"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def move_aside(path: Path) -> Path | None:
    """Rename an existing run folder to the first free `NAME.N`; None when there was none."""
    if not path.exists():
        return None
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    path.rename(aside)
    chosen = RunFolder(aside).nproc
    if chosen.exists():  # it is about the machine, and as true of the new run
        path.mkdir()
        shutil.copy(chosen, RunFolder(path).nproc)
    return aside


def claim(run: RunFolder, config: TrainConfig) -> list[str]:
    """Write the config into the folder, or check that the run in it is the same one.

    A run that has no checkpoint yet gives way to another: it may have failed for a wrong path.

    Returns:
        The keys that changed since the last invocation.

    Raises:
        RunFolderError: the folder holds a run of another identity, or something else.
    """
    for folder in (run.path, run.path / "checkpoints", run.path / "models"):
        remove_leftovers(folder)
    changed: list[str] = []
    if run.config.exists():
        old = load_config(run.config)
        keys = identity_differences(old, config)
        if keys and not (run.checkpoint_steps() or run.model_steps()):
            run.forget_preparation()
        elif keys:
            raise RunFolderError(
                f"{run.path} holds another run: {'; '.join(keys)}. Give this one another run_dir,"
                " or move the old one aside with --fresh"
            )
        changed = differences(old, config)
    elif strangers := [
        path.name
        for path in run.path.iterdir()
        if not path.name.startswith(".") and path != run.nproc
    ]:
        raise RunFolderError(
            f"run_dir {run.path} is not empty and holds no run (found {strangers[0]}); choose"
            " another folder"
        )
    write_text_atomically(run.config, dump_config(config))
    return changed


def write_environment(run: RunFolder, extra: dict[str, Any]) -> None:
    """Write environment.json: versions, hardware, git revision, and what the caller knows."""
    packages = ("torch", "sentencepiece", "sacrebleu", "safetensors", "numpy", "datasets")
    write_json(
        run.path / "environment.json",
        {
            "format_version": 1,
            "written_at_s": time.time(),
            "mtcli": version("mtcli"),
            "python": platform.python_version(),
            "packages": {name: version(name) for name in packages},
            "platform": platform.platform(),
            "hostname": platform.node(),
            "cpu": _cpu_name(),
            "num_cpus": os.cpu_count(),
            "git_revision": _git_revision(),
        }
        | extra,
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _git_revision() -> str | None:
    """Revision of the working directory's repository; None outside one."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None if result.returncode == 0 else None
