"""Choose the logger that a config asks for, and see that its library is there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from mtcli.config.schema.logging import (
    LoggerConfig,
    MlflowConfig,
    TensorboardConfig,
    TrackioConfig,
    WandbConfig,
)
from mtcli.errors import ConfigError
from mtcli.training.observers.loggers.protocol import Logger

_REQUIREMENTS = {
    "tensorboard": "tensorboard>=2.16,<3",
    "wandb": "wandb>=0.31,<1",
    "mlflow": "mlflow>=3,<4",
    "trackio": "trackio>=0.43,<1",
}


def check_loggers(configs: Sequence[LoggerConfig]) -> None:
    """See that the libraries of all loggers are installed, before the hours of training.

    Raises:
        ConfigError: one is not.
    """
    for kind in dict.fromkeys(config.kind for config in configs):
        if find_spec(kind) is None:
            raise ConfigError(
                f"logging to {kind} needs the library `{kind}`, which is not installed",
                hint=f"install it with `pip install '{_REQUIREMENTS[kind]}'`",
            )


def make_logger(config: LoggerConfig) -> Logger:
    """The logger of an entry of `logging`; it has not begun, and nothing is imported."""
    match config:
        case TensorboardConfig():
            from mtcli.training.observers.loggers.tensorboard import TensorboardLogger

            return TensorboardLogger(config.output)
        case WandbConfig():
            from mtcli.training.observers.loggers.wandb import WandbLogger

            return WandbLogger(config)
        case MlflowConfig():
            from mtcli.training.observers.loggers.mlflow import MlflowLogger

            return MlflowLogger(config)
        case TrackioConfig():
            from mtcli.training.observers.loggers.trackio import TrackioLogger

            return TrackioLogger(config)
