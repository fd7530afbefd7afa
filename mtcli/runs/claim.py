"""Whose run a folder holds, and who may write into it."""

from __future__ import annotations

import shutil
from pathlib import Path

from mtcli.config.compare import differences, identity_differences
from mtcli.config.dump import dump_config
from mtcli.config.load import load_config
from mtcli.config.schema.root import TrainConfig
from mtcli.errors import RunFolderError
from mtcli.folders import remove_leftovers, write_text_atomically
from mtcli.runs.folder import RunFolder, rename_aside


def move_aside(path: Path) -> Path | None:
    """Rename an existing run folder to the first free `NAME.N`; None when there was none."""
    if not path.exists():
        return None
    aside = rename_aside(path)
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
        RunFolderError: the folder holds a run of another identity, one whose checkpoints are gone,
            or something else.
    """
    for folder in (run.path, run.path / "checkpoints", run.path / "models"):
        remove_leftovers(folder)
    changed: list[str] = []
    for link in (run.path / "last", run.path / "best"):
        if link.exists() and not link.is_symlink():
            raise RunFolderError(
                f"{link} is a folder where a run has a link: this copy was made with links"
                " followed; remove it and copy the run with cp -a, or rsync -a"
            )
    if (run.path / "last").is_symlink() and not run.checkpoint_steps():
        raise RunFolderError(
            f"the checkpoints of {run.path} are gone, so it cannot be gone on with: begin anew with"
            " --fresh, which moves its models aside"
        )
    if run.config.exists():
        old = load_config(run.config)
        keys = identity_differences(old, config)
        if keys and not (run.checkpoint_steps() or run.model_steps()):
            own = run.tokenizers.resolve() in {p.parent for p in _named_tokenizers(config)}
            run.forget_preparation(with_tokenizers=not own and _changes_tokenizers(keys))
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


def check_place(config_path: Path, run_dir: Path) -> None:
    """Refuse the config.yaml of a run that lies elsewhere now: it would begin a new one there.

    Raises:
        RunFolderError: `run_dir` is not the run folder that the config lies in.
    """
    own = RunFolder(config_path.parent)
    is_of_a_run = own.config.exists() and config_path.samefile(own.config)
    if is_of_a_run and own.checkpoint_steps() and own.path.resolve() != run_dir.resolve():
        raise RunFolderError(
            f"{config_path} is the config of the run in this folder, but its run_dir is {run_dir},"
            " another one: the run was moved, or that path is not meant from here. Say"
            f" --set run_dir={own.path} to go on with it, or where a new run shall be"
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
