"""`--fresh`: start a run over, and keep the old one under another name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from mtcli.config.schema.data import HubSource
from mtcli.config.schema.root import TrainConfig
from mtcli.errors import ConfigError
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import locked
from mtcli.runs.resolve import resolve_model
from mtcli.runs.retention import rename_aside


def start_over(run: RunFolder, config: TrainConfig) -> Path | None:
    """Rename an earlier run to the first free `RUN.N`; None if there is none.

    Raises:
        ConfigError: the config reads a file in the run folder, which would be gone afterwards.
        RunFolderError: another process uses the run.
        ModelFolderError: `training.init_from` has no model.
    """
    inputs = list(_inputs_of(config))
    if not run.path.exists():
        return None
    for key, path in inputs:
        if path.resolve().is_relative_to(run.path.resolve()):
            raise ConfigError(
                f"{key}: {path} is in the run folder that `--fresh` renames",
                hint="copy it to another place, or give the new run another `run_dir`",
            )
    with locked(run.path):
        return move_aside(run)


def move_aside(run: RunFolder) -> Path:
    """Rename the run folder to the first free `RUN.N`; what was measured of the machine stays."""
    aside = rename_aside(run.path)
    measured = RunFolder(aside).nproc
    if measured.exists():
        run.path.mkdir()
        shutil.copyfile(measured, run.nproc)  # no rights with it: some file systems have none
    return aside


def _inputs_of(config: TrainConfig) -> Iterator[tuple[str, Path]]:
    """The files and folders that training reads, by their keys."""
    yield from _paths_in(config.data.train, "data.train")
    yield from _paths_in(config.data.valid, "data.valid")
    yield from _paths_in(config.tokenizer, "tokenizer")
    if config.training.init_from is not None:
        yield "training.init_from", resolve_model(config.training.init_from)


def _paths_in(value: object, key: str) -> Iterator[tuple[str, Path]]:
    if isinstance(value, Path):
        yield key, value
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _paths_in(item, f"{key}[{i}]")
    elif is_dataclass(value) and not isinstance(value, HubSource):  # that reads no file of ours
        for field in fields(value):
            yield from _paths_in(getattr(value, field.name), f"{key}.{field.name}")
