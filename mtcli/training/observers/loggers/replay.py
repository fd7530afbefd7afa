"""Log a run to an experiment tracker after the fact, from what its folder has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mtcli.config.document import parse_yaml
from mtcli.config.keys import section_adapter
from mtcli.config.schema.logging import (
    LoggerConfig,
    MlflowConfig,
    TensorboardConfig,
    TrackioConfig,
    WandbConfig,
)
from mtcli.errors import ConfigError, MtcliError, RunFolderError
from mtcli.folders import read_json
from mtcli.runs.folder import RunFolder
from mtcli.runs.invocations import read_invocations
from mtcli.runs.listing import is_run
from mtcli.runs.metrics import read_metrics
from mtcli.training.observers.loggers.choice import check_loggers, make_logger
from mtcli.training.observers.loggers.identities import Identities
from mtcli.training.observers.loggers.protocol import LoggedRun
from mtcli.training.observers.loggers.records import hyperparameters_of, model_card_of
from mtcli.training.observers.loggers.telling import Record, Teller

Tracker: TypeAlias = Literal["tensorboard", "wandb", "mlflow", "trackio"]
"""The kinds of `logging`."""


def log_run(path: Path, tracker: Tracker, output: Path | None = None) -> str:
    """Log a run as a new one of a tracker.

    Args:
        path: the run folder.
        tracker: where to; with the settings that the run's config has for it, if any.
        output: folder for what is written on this machine; None as in the config.

    Returns:
        Where it was logged, in words.

    Raises:
        RunFolderError: it is not a run, or has nothing to log.
        ConfigError: the library is missing, or `output` has no meaning for this tracker.
        MtcliError: the tracker failed.
    """
    if not is_run(path):
        kind = "is not a run folder" if path.is_dir() else "does not exist"
        raise RunFolderError(
            f"{path} {kind}", hint="give the `run_dir` of a training; `mtcli runs` lists them"
        )
    run = RunFolder(path)
    config = _with_output(_config_of(run, tracker), path, output)
    check_loggers([config])
    records = list(_records(run))
    if not records:
        raise RunFolderError(
            f"{path} has nothing to log: metrics.jsonl has no records",
            hint="wait until the run has made its first report",
        )
    logger = make_logger(config)
    logged = LoggedRun(
        name=path.resolve().name,
        folder=path,
        hyperparameters=hyperparameters_of(run),
        identities=Identities(None),
    )
    teller = Teller(logger, logged)
    try:
        for record in records:
            teller.tell(record)
        teller.end(model_card_of(run), is_failed=False)
    except Exception as error:
        sentence = " ".join(f"{type(error).__name__}: {error}".split())
        raise MtcliError(f"{path} cannot be logged to {logger.title}: {sentence}") from error
    return _place(config, path, logger.title)


def _config_of(run: RunFolder, tracker: Tracker) -> LoggerConfig:
    """The first entry of `logging` for the tracker; its defaults if there is none."""
    from pydantic import ValidationError

    values = parse_yaml(run.config.read_text(encoding="utf-8")).value
    entries = values.get("logging") if isinstance(values, dict) else None
    own = [e for e in entries or [] if isinstance(e, dict) and e.get("kind") == tracker]
    try:
        chosen: list[LoggerConfig] = section_adapter("logging").validate_json(
            json.dumps([*own, {"kind": tracker}])
        )
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise ConfigError(
            f"{run.config}: `logging` is not valid: {found['msg']}",
            hint="correct it, or remove that entry",
        ) from None
    return chosen[0]


def _with_output(config: LoggerConfig, path: Path, output: Path | None) -> LoggerConfig:
    """With the folder that was asked for, seen to be one that can be written."""
    if isinstance(config, MlflowConfig | TrackioConfig):
        if output is not None:
            variable = "MLFLOW_TRACKING_URI" if config.kind == "mlflow" else "TRACKIO_DIR"
            raise ConfigError(
                f"`--output` does not go with `--to {config.kind}`",
                hint=f"say where {config.kind} keeps runs with the variable `{variable}`",
            )
        return config
    folder = output or config.output or path / "tensorboard"
    if isinstance(config, WandbConfig):
        return replace(config, output=folder if output or config.output else path)
    if any(folder.glob("events.out.tfevents.*")):
        raise ConfigError(
            f"{folder} has event files already, which TensorBoard would show as the same run",
            hint="remove them, or give another folder with `--output DIR`",
        )
    return replace(config, output=folder)


def _records(run: RunFolder) -> Iterator[Record]:
    """What metrics.jsonl has, by step, reports before validations."""
    steps, validations = read_metrics(run.metrics)
    began_at_s = _began_at_s(run)
    records = [Record("step", values, _time_of(values, began_at_s)) for values in steps]
    records += [
        Record("validation", values, _time_of(values, began_at_s)) for values in validations
    ]
    yield from sorted(records, key=lambda record: record.values["step"])


def _time_of(values: Mapping[str, Any], began_at_s: float) -> float:
    """The time of a record, pauses between invocations excluded."""
    return began_at_s + float(values.get("elapsed_s") or 0.0)


def _began_at_s(run: RunFolder) -> float:
    """When the run began; of one that an earlier mtcli made, when its newest invocation did."""
    invocations = read_invocations(run)
    if invocations:
        return invocations[0].started_at_s
    environment = run.path / "environment.json"
    content = read_json(environment, RunFolderError) if environment.exists() else {}
    return float(content.get("written_at_s", 0.0)) if isinstance(content, dict) else 0.0


def _place(config: LoggerConfig, path: Path, title: str) -> str:
    """Where the run is now, for people and programs."""
    if isinstance(config, TensorboardConfig):
        return str(config.output)
    return f"{path} was logged to {title}"
