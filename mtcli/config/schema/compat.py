"""Which architectures another toolkit has a class for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.config.schema.sections import Conflict

Compat: TypeAlias = Literal["huggingface"]

_MARIAN: Mapping[str, tuple[Any, ...]] = {
    "norm": ("layer",),
    "norm_position": ("post",),
    "norm_eps": (1e-5,),
    "positions": ("sinusoidal", "sinusoidal_marian", "learned"),
    "bias": (True,),
    "gated": (False,),
}
_M2M100: Mapping[str, tuple[Any, ...]] = {
    **_MARIAN,
    "norm_position": ("pre",),
    "positions": ("sinusoidal_fairseq",),
    "tied_embeddings": ("all",),
    "output_bias": (False,),
    "target_start": ("bos", "eos"),
}
"""Values that a class computes; the first of each is what `compat: huggingface` sets."""

_ATTENTIONS = ("encoder_attention", "decoder_attention")
_AS_OTHER_SIZES_SAY = ("num_kv_heads", "head_dim")


def class_of(config: ModelConfig) -> str:
    """The class that computes an architecture, or comes closest to it."""
    return "M2M100ForConditionalGeneration" if config.norm_position == "pre" else "MarianMTModel"


def _fitting(norm_position: object) -> Mapping[str, tuple[Any, ...]]:
    return _M2M100 if norm_position == "pre" else _MARIAN


def compat_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """What `compat: huggingface` sets, as a config writes it.

    Args:
        values: of the user, whose `model.norm_position` chooses the class.
    """
    given = values.get("model")
    norm_position = given.get("norm_position") if isinstance(given, dict) else None
    model: dict[str, Any] = {key: value[0] for key, value in _fitting(norm_position).items()}
    model |= dict.fromkeys(_AS_OTHER_SIZES_SAY)
    model |= {key: {"kind": "full"} for key in _ATTENTIONS}
    return {"model": model, "decoding": {"normalization": "average"}}


class Misfit(NamedTuple):
    """A key of the architecture that no class over there computes."""

    key: str
    """Relative to `model`."""
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"`model.{self.key}: {self.found}` instead of {self.wanted}"


def misfits(config: ModelConfig) -> Iterator[Misfit]:
    """Every key of an architecture that keeps the class over there from computing it."""
    for key, values in _fitting(config.norm_position).items():
        if (found := getattr(config, key)) not in values:
            *others, last = map(_yaml, values)
            wanted = f"{', '.join(others)} or {last}" if others else last
            yield Misfit(key, _yaml(found), wanted)
    for key in _ATTENTIONS:
        if (kind := getattr(config, key).kind) != "full":
            yield Misfit(key, kind, "full")
    shapes = (config.encoder_shape, config.decoder_shape)
    if any(shape.num_kv_heads != shape.num_heads for shape in shapes):
        yield Misfit("num_kv_heads", str(config.num_kv_heads), str(config.num_heads))
    if any(shape.head_dim * shape.num_heads != shape.d_model for shape in shapes):
        yield Misfit("head_dim", str(config.head_dim), "d_model / num_heads")


def compat_conflicts(
    compat: Compat | None, model: ModelConfig, decoding: DecodingConfig
) -> Iterator[Conflict]:
    """What contradicts the toolkit that a model is to be exported to."""
    if compat is None:
        return
    for misfit in misfits(model):
        yield Conflict(
            (f"model.{misfit.key}", "compat"),
            f"compat: {compat} needs model.{misfit.key}: {misfit.wanted}, found {misfit.found}",
        )
    if decoding.normalization == "gnmt":
        yield Conflict(
            ("decoding.normalization", "compat"),
            f"compat: {compat} needs decoding.normalization: average or none, found gnmt",
        )


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
