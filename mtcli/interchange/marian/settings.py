"""What `special:model.yml` says of a Marian model: what is used, ignored with a reason, or refused.

Source: marian-dev v1.12.42, src/common/config_parser.cpp and src/models/transformer.h.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtcli.config.bounded_yaml import bounded_yaml
from mtcli.interchange.foreign import ForeignModelError, in_one_line
from mtcli.interchange.foreign_settings import LARGEST_NUMBER, ForeignSettings

MODEL_YML = "special:model.yml"
"""The array that holds the settings, as text."""

_MOST_VALUES, _DEEPEST = 1000, 4

_RNN = "only recurrent models read it"
_AAN = "only average attention reads it"
_FACTORS = "only factored vocabularies read it"
_BERT = "only BERT reads it"
_ULR = "only `ulr: true` reads it"
_ALIBI = "only `transformer-attention-mask: alibi` reads it"

IGNORED: Mapping[str, str] = {
    "version": "it says who wrote the file",
    "dec-cell": _RNN,
    "dec-cell-base-depth": _RNN,
    "dec-cell-high-depth": _RNN,
    "dim-rnn": _RNN,
    "enc-cell": _RNN,
    "enc-cell-depth": _RNN,
    "enc-type": _RNN,
    "layer-normalization": _RNN,
    "skip": _RNN,
    "transformer-rnn-projection": _RNN,
    "transformer-aan-activation": _AAN,
    "transformer-aan-depth": _AAN,
    "transformer-aan-nogate": _AAN,
    "transformer-dim-aan": _AAN,
    "factors-combine": _FACTORS,
    "factors-dim-emb": _FACTORS,
    "lemma-dependency": _FACTORS,
    "lemma-dim-emb": _FACTORS,
    "bert-train-type-embeddings": _BERT,
    "bert-type-vocab-size": _BERT,
    "bert-class-symbol": _BERT,
    "bert-mask-symbol": _BERT,
    "bert-masking-fraction": _BERT,
    "bert-sep-symbol": _BERT,
    "ulr-dim-emb": _ULR,
    "ulr-keys-vectors": _ULR,
    "ulr-query-vectors": _ULR,
    "ulr-softmax-temperature": _ULR,
    "ulr-trainable-transformation": _ULR,
    "ulr-dropout": _ULR,
    "transformer-alibi-shift": _ALIBI,
    "transformer-alibi-trainable": _ALIBI,
    "separator-symbol": "only models with several sources or with context read it",
    "transformer-guided-alignment-layer": "set `decoding.alignment_layer` if it was trained for"
    " alignment",
    "original-type": "`type` says the same",
}
"""Keys that change nothing here, with the reason."""

ONLY: Mapping[str, tuple[Any, ...]] = {
    "type": ("transformer",),
    "input-types": ([], ["sequence", "sequence"], ["sequence"]),
    "right-left": (False,),
    "ulr": (False,),
    "transformer-attention-mask": ("default",),
    "transformer-decoder-autoreg": ("self-attention",),
    "transformer-disable-position-embeddings": (False,),
    "transformer-ffn-depth": (2,),
    "transformer-decoder-ffn-depth": (0, 2),
    "transformer-no-affine": (False,),
    "transformer-no-bias": (False,),
    "transformer-no-projection": (False,),
    "transformer-pool": (False,),
    "transformer-postprocess-emb": ("", "d"),
    "transformer-tied-layers": ([],),
    "transformer-train-position-embeddings": (False,),
    "transformer-depth-scaling": (False, True),
}
"""Keys of which only these values can be represented; depth scaling is about the first weights."""


class Settings(ForeignSettings):
    """The settings of one model, whose keys are marked as used when they are asked for.

    Args:
        path: the file that they are in.
        text: YAML.

    Raises:
        ForeignModelError: it is not YAML of the kind that Marian writes.
    """

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(path, _parsed(path, text))

    def number(self, key: str, default: float) -> float:
        """A number from 0.

        Raises:
            ForeignModelError: it is of another type.
        """
        value = self.get(key)
        value = default if value is None else value
        if type(value) not in (int, float) or not 0 <= value <= LARGEST_NUMBER:
            raise self.wrong(key, "must be a number, at least 0")
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false; false if the key is missing.

        Raises:
            ForeignModelError: it is of another type.
        """
        value = self.get(key)
        if value not in (None, True, False) or type(value) not in (type(None), bool):
            raise self.wrong(key, "must be true or false")
        return bool(value)

    def text(self, key: str, default: str) -> str:
        """A text.

        Raises:
            ForeignModelError: it is of another type.
        """
        value = self.get(key)
        value = default if value is None else value
        if not isinstance(value, str):
            raise self.wrong(key, "must be a text")
        return value

    def refuse_others(self) -> None:
        """Refuse values of `ONLY` that cannot be represented.

        Raises:
            ForeignModelError: there is one.
        """
        for key, values in ONLY.items():
            value = self.get(key)
            if value is not None and not any(
                value == known and type(value) is type(known) for known in values
            ):
                known_values = " or ".join(f"`{shown(known)}`" for known in values)
                raise self.wrong(key, f"cannot be represented: only {known_values} can")

    @staticmethod
    def shown(value: Any) -> str:
        """A value for a message; see the function of that name."""
        return shown(value)

    def leftovers(
        self, ignored_keys: Mapping[str, str] = IGNORED
    ) -> tuple[dict[str, str], list[str]]:
        """Keys that nobody asked for: those that are ignored, with the reason, and warnings."""
        ignored: dict[str, str] = {}
        warnings: list[str] = []
        for key in self._values.keys() - self._used:
            if key in ignored_keys:
                ignored[key] = ignored_keys[key]
            else:
                warnings.append(f"`{shown(key)}` of {self.path.name} is unknown, and was not used")
        return dict(sorted(ignored.items())), sorted(warnings)


def shown(value: Any) -> str:
    """A value for a message: one line, with few values of a list."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        # never all of it: aliases of aliases make a list of billions from a few lines
        short = reprlib.Repr()
        short.maxlevel, short.maxstring = 2, 30
        value = short.repr(value)
    return in_one_line(str(value), 60)


def _parsed(path: Path, text: str) -> dict[str, Any]:
    from ruamel.yaml.error import YAMLError

    yaml = bounded_yaml(_MOST_VALUES, _DEEPEST)
    try:
        node = yaml.compose(text)
        values = None if node is None else yaml.constructor.construct_document(node)
    except (YAMLError, ValueError, OverflowError, RecursionError, AttributeError) as error:
        first = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise ForeignModelError(f"{path}: its settings are not valid YAML ({first})") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ForeignModelError(f"{path}: its settings are not keys with values")
    return values
