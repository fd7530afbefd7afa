"""What is read of another toolkit's model, before it becomes a model folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import MtcliError

if TYPE_CHECKING:
    import numpy as np


_LONGEST_SENTENCE = 2000
"""Characters of a message; it may quote the name of a tensor, or a path, which has up to 4096."""


class ForeignModelError(MtcliError):
    """Another toolkit's model is damaged, or cannot be represented.

    The sentence is one line, whatever it quotes of the model.
    """

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(in_one_line(sentence, _LONGEST_SENTENCE), hint=hint)


def as_weight(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """A stored array in float32.

    Args:
        array: what a file stores.
        name: of the array, for the message.
        path: the file.

    Raises:
        ForeignModelError: a value is NaN, infinite or beyond float32.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        weight: np.ndarray = array.astype(np.float32)
        if np.isfinite(weight.sum()):  # reads it once; it may overflow where no value did
            return weight
    count = weight.size - int(np.isfinite(weight).sum())
    if count:
        raise ForeignModelError(
            f"{path} cannot be imported: {count} of {weight.size} values of `{name}` are not finite"
            " numbers in float32"
        )
    return weight


def in_one_line(text: str, most_characters: int) -> str:
    """The text with escapes for line ends and control characters, cut where it is too long."""
    cut = text if len(text) <= most_characters else f"{text[:most_characters]}..."
    return "".join(char if _is_shown(char) else repr(char)[1:-1] for char in cut)


def _is_shown(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Languages:
    """The languages of a model, where its files do not name them or the user knows better."""

    src: str | None = None
    tgt: str | None = None
    model_name: str = ""
    """Name of the model, if its folder has another; names such as `opus-mt-en-de` say both."""


@dataclass(frozen=True)
class ForeignModel:
    """A model of another toolkit in our terms, ready to be written."""

    toolkit: str
    """For people: `Hugging Face (MarianMTModel)`."""
    card: ModelCard
    weights: Mapping[str, np.ndarray]
    """By our plain names, tied ones once, rows of embeddings in the order of our ids."""
    tokenizers: Mapping[str, bytes]
    """Contents of the tokenizer files, by their names in a model folder."""
    generation: DecodingConfig
    """How it translates by default."""
    taken: tuple[str, ...]
    """What was taken from where, a line each."""
    ignored: Mapping[str, str]
    """Settings that were not taken, with the reason."""
    warnings: tuple[str, ...] = ()
    """Settings that are unknown, and what the user should look at."""


Reader: TypeAlias = Callable[[Path, Languages], ForeignModel]
"""Reads a source of one kind: a folder or a file."""
