"""Write and read checkpoints: the parts of a run's state, tensors as safetensors, the rest as JSON.

A checkpoint of format 2 is a folder with `state.json`, where each part has an object under its
name, and a `PART.safetensors` for each part that has tensors. Format 1 differs in two keys of
`state.json`: see `_upgrade`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtcli.distributed.fsdp import gather_on_main
from mtcli.distributed.world import World
from mtcli.errors import CheckpointError, RunFolderError
from mtcli.folders import (
    check_readable,
    new_folder,
    read_json,
    read_manifest,
    refuse_newer_format,
    verify_files,
    verify_folder,
    write_json,
)
from mtcli.runs.folder import RunFolder
from mtcli.training.finite import first_not_finite
from mtcli.training.state import AVERAGE, MODEL, OPTIMIZER, Stateful

logger = logging.getLogger(__name__)

_FORMAT_VERSION = 2
_STATE = "state.json"
_SUFFIX = ".safetensors"
_VERSION_KEY, _STEP_KEY = "format_version", "step"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds."""

    path: Path
    step: int
    """Updates made."""
    parts: dict[str, dict[str, Any]]
    """State of each part by its name, tensors whole and on the CPU."""

    def restore(self, parts: Mapping[str, Stateful]) -> None:
        """Put the state of every part back, in their order. Collective.

        A part that the checkpoint does not have keeps the state that it starts with.

        Raises:
            CheckpointError: a part does not fit the run.
        """
        for name, part in parts.items():
            if name not in self.parts:
                logger.info("the checkpoint of step %d has no state of `%s`", self.step, name)
                continue
            try:
                part.load_state_dict(self.parts[name])
            except CheckpointError as error:
                raise CheckpointError(
                    f"the checkpoint of step {self.step} does not fit this run: {error.sentence}",
                    hint=error.hint,
                ) from error


def write_checkpoint(path: Path, step: int, parts: Mapping[str, Stateful], world: World) -> None:
    """Write the state of all parts; the main process writes. Collective.

    Args:
        path: folder of the checkpoint; must not exist.
        step: updates made.
        parts: what to save, by name.
        world: the processes; all gather what is sharded.

    Raises:
        RunFolderError: it cannot be written, for instance on a full disk; earlier ones are intact.
    """
    tensors: dict[str, dict[str, Tensor]] = {}
    values: dict[str, dict[str, Any]] = {}
    for name, part in parts.items():
        state = part.state_dict()
        own_tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
        tensors[name] = gather_on_main(own_tensors, world)
        values[name] = {key: value for key, value in state.items() if key not in own_tensors}
    if not world.is_main:
        return
    with new_folder(path) as folder:
        for name, own_tensors in tensors.items():
            if own_tensors:
                _save(own_tensors, folder / f"{name}{_SUFFIX}", path)
        header = {_VERSION_KEY: _FORMAT_VERSION, _STEP_KEY: step}
        if header.keys() & values.keys():
            raise ValueError(f"no part may be called one of: {', '.join(header)}")
        write_json(folder / _STATE, header | values)


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a folder, verified.

    Raises:
        CheckpointError: it is missing, damaged, was written by a newer mtcli, or holds numbers that
            are not finite.
    """
    verify_folder(path, error=CheckpointError, required=(_STATE,))
    values = read_json(path / _STATE, CheckpointError)
    if not isinstance(values, dict):
        raise CheckpointError(f"{path / _STATE}: damaged, it is not an object")
    version, step = values.pop(_VERSION_KEY, None), values.pop(_STEP_KEY, None)
    if not isinstance(version, int) or not isinstance(step, int):
        raise CheckpointError(f"{path / _STATE}: damaged, it has no {_VERSION_KEY} or {_STEP_KEY}")
    refuse_newer_format(path, version, CheckpointError, _FORMAT_VERSION)
    if version == 1:
        _upgrade(values)
    # listed ones only: macOS and cloud drives put files of their own into the folder
    names_listed = sorted(read_manifest(path, CheckpointError))
    files = [path / name for name in names_listed if name.endswith(_SUFFIX)]
    for file in files:
        check_readable(file, CheckpointError)
    try:
        tensors = {file.stem: load_file(file) for file in files}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: damaged, cannot be read ({error})") from error
    for name, value in values.items():
        if not isinstance(value, dict):
            raise CheckpointError(f"{path / _STATE}: damaged, `{name}` is not an object")
    for name, of_part in tensors.items():
        if (bad := first_not_finite(of_part)) is not None:
            raise CheckpointError(
                f"{path} is not usable: `{bad}` of its part `{name}` is not finite, because the run"
                " had diverged",
                hint="start over with `--fresh` and a lower `optim.lr`",
            )
    names = values.keys() | tensors.keys()
    parts = {name: values.get(name, {}) | tensors.get(name, {}) for name in names}
    return Checkpoint(path, step, parts)


def read_weights(path: Path, memory: Path | None = None) -> dict[str, Tensor]:
    """Only the weights of a checkpoint, verified.

    Args:
        path: its folder.
        memory: as in `mtcli.folders.verify_files`.

    Raises:
        CheckpointError: they are missing or damaged.
    """
    file = f"{MODEL}{_SUFFIX}"
    entries = read_manifest(path, CheckpointError)
    verify_files(path, entries, [file], error=CheckpointError, memory=memory)
    try:
        return load_file(path / file)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: damaged, cannot be read ({error})") from error


def newest_checkpoint(run: RunFolder, *, prefers_own: bool = False) -> Checkpoint | None:
    """The newest checkpoint that is intact; None if the run has none.

    Args:
        run: the run.
        prefers_own: whether one that the config asks for comes before any that a stop made.

    Raises:
        CheckpointError: there are checkpoints, and all are damaged.
    """
    problem: CheckpointError | None = None
    paths = list(run.all_checkpoints().values())
    if prefers_own:
        paths.sort(key=lambda path: path.parent == run.checkpoints)  # stable: newest stay last
    for path in reversed(paths):
        try:
            return read_checkpoint(path)
        except CheckpointError as error:
            logger.warning("skipping a damaged checkpoint: %s", error.sentence)
            problem = error
    if problem is not None:
        raise problem
    return None


def newest_intact(run: RunFolder) -> int | None:
    """The step of the newest checkpoint that a run can resume from; None if there is none."""
    for step, path in reversed(run.all_checkpoints().items()):
        with suppress(CheckpointError):
            read_checkpoint(path)
            return step
    return None


def move_stops_of_format_1(run: RunFolder) -> None:
    """Move what stops saved to its own place: format 1 kept it among the config's checkpoints."""
    for step in run.checkpoint_steps():
        with suppress(CheckpointError):  # a damaged one is skipped where it is read
            state = read_json(run.checkpoint(step) / _STATE, CheckpointError)
            if isinstance(state, dict) and state.get("is_stop", False):
                _move_stop(run, step)


def _move_stop(run: RunFolder, step: int) -> None:
    is_best = run.best_model() == run.model(step)
    model, checkpoint = run.stopped.model(step), run.stopped.checkpoint(step)
    if run.model(step).exists():
        model.parent.mkdir(parents=True, exist_ok=True)
        run.model(step).rename(model)
        if is_best:
            run.point_best(model)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    run.checkpoint(step).rename(checkpoint)
    run.point_last(checkpoint)


def _upgrade(values: dict[str, Any]) -> None:
    """Make the values of a checkpoint of format 1 those of format 2."""
    values.pop("is_stop", None)  # see `move_stops_of_format_1`
    values[AVERAGE] = {"num_steps": values.pop("average_steps", 0)}
    values |= {MODEL: {}, OPTIMIZER: {}}


def _save(tensors: dict[str, Tensor], file: Path, checkpoint: Path) -> None:
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    except SafetensorError as error:  # a full disk comes as this, not as OSError
        raise RunFolderError(f"cannot write {checkpoint / file.name}: {error}") from error
