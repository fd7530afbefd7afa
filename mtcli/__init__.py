"""mtcli: train machine-translation models from the command line.

The public API is here, and imported when it is asked for: `load_config`, `train`, `Translator`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtcli.config.load import load_config
    from mtcli.training.setup import train
    from mtcli.translating.translator import Translator

__version__ = "0.1.0"
__all__ = ["Translator", "__version__", "load_config", "train"]

_PLACES = {
    "load_config": "mtcli.config.load",
    "train": "mtcli.training.setup",
    "Translator": "mtcli.translating.translator",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'mtcli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
