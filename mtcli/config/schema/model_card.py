"""Schema of what only the user knows about a model: licence, use, and data."""

from __future__ import annotations

from typing import Annotated

from mtcli.config.schema.bounds import Bounds
from mtcli.config.schema.sections import section


@section
class ModelCardConfig:
    """What the README.md of a model folder says besides the facts, which mtcli knows itself."""

    license: Annotated[str, Bounds(min_length=1)] | None = None
    """Licence of the model, as the Hugging Face hub names it (`cc-by-4.0`, `apache-2.0`); null: the
    README says that none was stated."""
    intended_use: Annotated[str, Bounds(min_length=1)] | None = None
    """What the model is for, and what it is not for; null: a general sentence."""
    data: Annotated[str, Bounds(min_length=1)] | None = None
    """Where the training data come from; null: only names and numbers."""
