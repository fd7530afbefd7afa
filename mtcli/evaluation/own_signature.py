"""The signature of a metric that is not sacreBLEU's, in its form."""

from __future__ import annotations

from importlib import import_module

from mtcli.evaluation.measured import Texts


def own_signature(texts: Texts, **settings: str) -> str:
    """The number of references, what was ignored in the texts, and the version of mtcli."""
    # by name, because the public API in `mtcli/__init__.py` knows all rooms
    version = import_module("mtcli").__version__
    parts = [f"nrefs:{len(texts.references)}", *(f"{key}:{x}" for key, x in settings.items())]
    return "|".join([*parts, f"version:mtcli-{version}"])
