"""Schema of `logging`: the experiment trackers that a run is logged to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.bounds import Bounds
from mtcli.config.schema.sections import ByKind, section

Name: TypeAlias = Annotated[str, Bounds(min_length=1)]


@section
class TensorboardConfig:
    """TensorBoard: event files in a folder."""

    kind: Literal["tensorboard"]
    output: Path | None = None
    """Folder of the event files; null: `tensorboard` in the run folder."""


@section
class WandbConfig:
    """Weights & Biases."""

    kind: Literal["wandb"]
    project: Name | None = None
    """Project; null: that of `WANDB_PROJECT`, else W&B's default."""
    entity: Name | None = None
    """User or team; null: that of `WANDB_ENTITY`, else W&B's default."""
    name: Name | None = None
    """Name of the run; null: that of the run folder."""
    tags: list[str] | None = None
    """Tags of the run."""
    mode: Literal["online", "offline"] | None = None
    """offline keeps everything in files, which `wandb sync` uploads; null: that of `WANDB_MODE`,
    else online."""
    output: Path | None = None
    """Folder in which W&B keeps its files; null: the run folder."""


@section
class MlflowConfig:
    """MLflow, with a server or a local database."""

    kind: Literal["mlflow"]
    tracking_uri: Name | None = None
    """Address of a server, or a database such as `sqlite:///mlflow.db`; null: that of
    `MLFLOW_TRACKING_URI`, else MLflow's default."""
    experiment: Name | None = None
    """Experiment, which is made if there is none; null: that of `MLFLOW_EXPERIMENT_NAME`, else
    MLflow's default."""
    name: Name | None = None
    """Name of the run; null: that of the run folder."""


@section
class TrackioConfig:
    """Trackio, of Hugging Face."""

    kind: Literal["trackio"]
    project: Name = "mtcli"
    """Project."""
    name: Name | None = None
    """Name of the run; null: that of the run folder."""
    space_id: Name | None = None
    """Hugging Face Space to log to; null: that of `TRACKIO_SPACE_ID`, else files on this machine,
    under `TRACKIO_DIR`."""


LoggerConfig: TypeAlias = Annotated[
    TensorboardConfig | WandbConfig | MlflowConfig | TrackioConfig, ByKind()
]
