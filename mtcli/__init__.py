"""mtcli: train machine-translation models from the command line.

Everything in `__all__` is the public API. Each name is imported when it is first used, so
`import mtcli` stays instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtcli.bundle.model_folder import verify_model
    from mtcli.config.load import load_config
    from mtcli.errors import (
        CheckFailedError,
        CheckpointError,
        ConfigError,
        DataError,
        DeviceError,
        DivergedError,
        ExitCode,
        ModelFolderError,
        MtcliError,
        RunFolderError,
        TokenizerError,
    )
    from mtcli.evaluation.metrics import Score, evaluate
    from mtcli.interchange.export import export
    from mtcli.training.setup import train
    from mtcli.translating.answer import Translation
    from mtcli.translating.scoring import PairScorer
    from mtcli.translating.translator import Translator

__version__ = "0.1.0"

__all__ = [
    "CheckFailedError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DeviceError",
    "DivergedError",
    "ExitCode",
    "ModelFolderError",
    "MtcliError",
    "PairScorer",
    "RunFolderError",
    "Score",
    "TokenizerError",
    "Translation",
    "Translator",
    "__version__",
    "evaluate",
    "export",
    "load_config",
    "train",
    "verify_model",
]

_PLACES = {
    "PairScorer": "mtcli.translating.scoring",
    "Score": "mtcli.evaluation.metrics",
    "Translation": "mtcli.translating.answer",
    "Translator": "mtcli.translating.translator",
    "evaluate": "mtcli.evaluation.metrics",
    "export": "mtcli.interchange.export",
    "load_config": "mtcli.config.load",
    "train": "mtcli.training.setup",
    "verify_model": "mtcli.bundle.model_folder",
}
"""Where a name is defined; every other name of `__all__` is in `mtcli.errors`."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'mtcli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES.get(name, "mtcli.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
