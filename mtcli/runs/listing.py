"""Find the runs under a folder, and say of each in a few figures how far and how good it is."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mtcli.config.dumped import read_dumped
from mtcli.config.problems import KeyPath, dotted
from mtcli.errors import ConfigError, MtcliError, RunFolderError
from mtcli.folders import read_json, why_refused
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import is_in_use
from mtcli.runs.metrics import newest_metrics

State: TypeAlias = Literal["running", "finished", "stopped", "diverged", "unsaved"]
"""`running`: a process trains it now. `finished`: it has come to its end. `stopped`: it can be
resumed. `diverged`: its loss became NaN or infinite. `unsaved`: it ended before its first
checkpoint."""

_OWN_FILES = ("metrics.jsonl", "train.log", "environment.json")
"""One of them next to config.yaml makes a folder a run."""
_NO_DIFFERENCE = {("run_dir",), ("data", "cache_dir")}
"""Keys that say where a run is, and not what it is."""


@dataclass(frozen=True)
class RunSummary:
    """A run in a few figures."""

    path: Path
    state: State
    step: int = 0
    total_steps: int | None = None
    """Number of the last step, where it is known."""
    best_by: str | None = None
    """The metric of the best score; None before the first validation."""
    best_score: float | None = None
    best_step: int | None = None
    tgt_tokens: int = 0
    """Target tokens of all updates."""
    elapsed_s: float = 0.0
    """Training time over all invocations."""
    cpu_s: float = 0.0
    """CPU time of all training processes."""
    config: dict[KeyPath, Any] = field(default_factory=dict, repr=False)
    """Every value of its config; none where that cannot be read."""
    problem: str | None = None
    """What could not be read, as a sentence."""

    @property
    def has_score(self) -> bool:
        """Whether there is a best score, and it is a number."""
        return self.best_score is not None and math.isfinite(self.best_score)


def find_runs(folder: Path) -> list[Path]:
    """The run folders at or under a folder, sorted; hidden folders are not searched.

    Raises:
        RunFolderError: there is no such folder.
    """
    if not folder.is_dir():
        kind = "is not a folder" if folder.exists() else "does not exist"
        raise RunFolderError(f"{folder} {kind}", hint="give a folder with runs in it")
    return sorted(_runs_under(folder))


def _runs_under(folder: Path) -> Iterator[Path]:
    if is_run(folder):
        yield folder
        return
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:  # not ours to read
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if not entry.is_symlink():
            yield from _runs_under(Path(entry.path))
        elif is_run(Path(entry.path)):  # but what else a link leads to may have no end
            yield Path(entry.path)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run that has begun."""
    return (folder / "config.yaml").is_file() and any((folder / f).is_file() for f in _OWN_FILES)


def summarize(path: Path) -> RunSummary:
    """A run in a few figures; what is damaged is named in `problem`."""
    run, problem, config = RunFolder(path), None, {}
    try:
        config = read_dumped(run.config.read_text(encoding="utf-8"))
    except (ConfigError, UnicodeDecodeError) as error:
        problem = f"{run.config} cannot be read: {error}"
    except OSError as error:
        problem = f"{run.config} cannot be read: {why_refused(run.config, error)}"
    try:
        step, validation = newest_metrics(run.metrics)
    except OSError as error:
        problem = f"{run.metrics} cannot be read: {why_refused(run.metrics, error)}"
        step = validation = None
    newest = max((m for m in (validation, step) if m), key=lambda m: m["step"], default={})
    best = validation or {}
    return RunSummary(
        path=path,
        state=_state(run, step, config.get(("validation", "patience"))),
        step=newest.get("step", 0),
        total_steps=(step or {}).get("total_steps"),
        # runs of an earlier mtcli did not write it; it was the key of the config
        best_by=best.get("best_by", config.get(("validation", "best_by"))) if best else None,
        best_score=best.get("best_score"),
        best_step=best.get("best_step"),
        tgt_tokens=newest.get("total_tgt_tokens", 0),
        elapsed_s=newest.get("elapsed_s", 0.0),
        cpu_s=newest.get("cpu_s", 0.0),
        config=config,
        problem=problem,
    )


def _state(run: RunFolder, step: dict[str, Any] | None, patience: int | None) -> State:
    try:
        if is_in_use(run.path):
            return "running"
    except OSError:  # somebody else's run
        pass
    if step is not None and not math.isfinite(step.get("loss_per_token", 0.0)):
        return "diverged"
    checkpoints = run.all_checkpoints()
    if not checkpoints:
        return "unsaved"
    saved = _saved_state(checkpoints[max(checkpoints)])
    progress, best = saved.get("progress", {}), saved.get("best", {})
    total = progress.get("total_steps")
    is_at_end = total is not None and progress.get("step", 0) >= total
    is_exhausted = patience is not None and best.get("num_worse", 0) >= patience
    return "finished" if is_at_end or is_exhausted else "stopped"


def _saved_state(checkpoint: Path) -> dict[str, Any]:
    try:
        state = read_json(checkpoint / "state.json", RunFolderError)
    except RunFolderError:
        return {}
    parts = state.items() if isinstance(state, dict) else ()
    return {name: part for name, part in parts if isinstance(part, dict)}


def differing_keys(runs: Sequence[RunSummary]) -> list[KeyPath]:
    """Keys whose values differ between runs, in the order of the first config that has them.

    A key that some of the runs do not have, because of another `kind` or mtcli, does not differ.
    """
    keys = dict.fromkeys(key for run in runs for key in run.config if key not in _NO_DIFFERENCE)
    return [
        key
        for key in keys
        if len({repr(run.config[key]) for run in runs if key in run.config}) > 1
    ]


def usual_values(runs: Sequence[RunSummary], keys: Sequence[KeyPath]) -> dict[KeyPath, Any]:
    """Of each key, the value that most of the runs have; of equally many the first."""
    usual = {}
    for key in keys:
        values = [run.config[key] for run in runs if key in run.config]
        ((most, _),) = Counter(map(repr, values)).most_common(1)
        usual[key] = next(value for value in values if repr(value) == most)
    return usual


def as_record(run: RunSummary, keys: Sequence[KeyPath]) -> dict[str, Any]:
    """A run for programs; `config` has the keys in `keys`, dotted."""
    return {
        "run": str(run.path),
        "state": run.state,
        "step": run.step,
        "total_steps": run.total_steps,
        "best_by": run.best_by,
        "best_score": run.best_score if run.has_score else None,
        "best_step": run.best_step,
        "tgt_tokens": run.tgt_tokens,
        "elapsed_s": run.elapsed_s,
        "cpu_s": run.cpu_s,
        "config": {dotted(key): run.config[key] for key in keys if key in run.config},
    }


def read_runs(folder: Path) -> list[RunSummary]:
    """All runs under a folder, sorted by path.

    Raises:
        MtcliError: there is no such folder, or no run in it.
    """
    paths = find_runs(folder)
    if not paths:
        raise MtcliError(
            f"{folder} holds no run", hint="give the folder that your `run_dir` is in"
        )
    return [summarize(path) for path in paths]
