"""Whether a folder may become, or still is, the run of a config."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mtcli.config.compare import differences, identity_differences
from mtcli.config.load import load_config
from mtcli.config.problems import KeyPath
from mtcli.config.schema.root import TrainConfig
from mtcli.config.settle import Settled
from mtcli.errors import RunFolderError
from mtcli.folders import remove_leftovers, write_text_atomically
from mtcli.runs.folder import RunFolder
from mtcli.runs.retention import forget_preparation


def claim(
    run: RunFolder, config: TrainConfig, reasons: Mapping[KeyPath, str] | None = None
) -> list[str]:
    """Write the config into the folder, or check that the run in it is the same one.

    A run that has no checkpoint yet gives way to another: it may have failed because of a wrong
    path.

    Args:
        run: the folder.
        config: a settled config.
        reasons: why keys that it left open have their values; written next to them.

    Returns:
        The keys that changed since the last invocation.

    Raises:
        RunFolderError: the folder holds a run of another identity, one whose checkpoints are
            missing, or something else.
    """
    for saved in (run, run.stopped):
        for folder in (saved.path, saved.checkpoints, saved.models):
            remove_leftovers(folder)
    _refuse_incomplete_run(run)
    changed: list[str] = []
    if run.config.exists():
        old = load_config(run.config)
        keys = identity_differences(old, config)
        if keys and not (run.all_checkpoints() or run.all_models()):
            is_own = run.tokenizers.resolve() in {p.parent for p in _named_tokenizers(config)}
            forget_preparation(run, with_tokenizers=not is_own and _changes_tokenizers(keys))
        elif keys:
            raise RunFolderError(
                f"{run.path} holds another run: {'; '.join(keys)}",
                hint="give this run another `run_dir`, or start over with `--fresh`, which keeps"
                " the old run under another name",
            )
        changed = differences(old, config)
    else:
        _refuse_strangers(run)
    if changed or not run.config.exists():
        write_text_atomically(run.config, Settled(config, reasons or {}).as_yaml())
    return changed


def check_place(config_path: Path, run_dir: Path) -> None:
    """Refuse the config.yaml of a run that was moved: it would start a new run at the old place.

    Raises:
        RunFolderError: `run_dir` is not the run folder that the config is in.
    """
    own = RunFolder(config_path.parent)
    is_of_a_run = own.config.exists() and config_path.samefile(own.config)
    if is_of_a_run and own.all_checkpoints() and own.path.resolve() != run_dir.resolve():
        raise RunFolderError(
            f"{config_path} is the config of the run in its folder, but its `run_dir` is another"
            f" folder, {run_dir}: the run was moved, or this is not the working directory that"
            " `run_dir` is relative to",
            hint=f"give `--set run_dir={own.path}` to resume that run, or the `run_dir` of a new"
            " one",
        )


def _refuse_incomplete_run(run: RunFolder) -> None:
    if os.path.lexists(run.last) and not run.all_checkpoints():
        raise RunFolderError(
            f"the checkpoints of {run.path} are missing, so the run cannot be resumed",
            hint="start over with `--fresh`, which keeps the models under another name",
        )


def _refuse_strangers(run: RunFolder) -> None:
    if run.all_checkpoints():
        raise RunFolderError(
            f"{run.path} has checkpoints, but {run.config} is missing",
            hint="put it back, or choose another `run_dir`",
        )
    for path in sorted(run.path.iterdir()):
        if not path.name.startswith(".") and path != run.nproc:
            raise RunFolderError(
                f"`run_dir` {run.path} is not empty and holds no run (found {path.name})",
                hint="choose another folder",
            )


def _named_tokenizers(config: TrainConfig) -> list[Path]:
    named = config.tokenizer
    files = (named.model, named.src_model, named.tgt_model)
    return [file.resolve() for file in files if file is not None]


def _changes_tokenizers(keys: list[str]) -> bool:
    """Whether one of the keys has a say in the tokenizers that a run trains."""
    return any(
        key.partition(".")[0] in ("src_lang", "tgt_lang", "seed", "data", "tokenizer")
        or key.startswith("training.init_")
        for key in keys
    )
