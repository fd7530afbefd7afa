"""The architecture and the search of a Hugging Face model, as ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.decoding import MAX_BEAM_SIZE, MAX_LENGTH_PENALTY, DecodingConfig
from mtcli.interchange.foreign import ForeignModelError
from mtcli.interchange.huggingface.settings import Settings

_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "silu": "silu", "swish": "silu"}

_M2M100_PAD = 1

CLASSES = {"marian": "MarianMTModel", "m2m_100": "M2M100ForConditionalGeneration"}
"""By `model_type`."""


@dataclass(frozen=True)
class ForeignIds:
    """What `config.json` says of ids."""

    pad: int
    eos: int
    start: int
    """What the decoder reads first."""


def read_class(config: Settings) -> str:
    """The `model_type`.

    Raises:
        ForeignModelError: it is of another class.
    """
    kind = config.get("model_type")
    if kind not in CLASSES:
        raise ForeignModelError(
            f"{config.path.parent} is a model of the type `{str(kind)[:60]}`, which cannot be"
            f" imported: only {' and '.join(f'`{name}`' for name in CLASSES.values())} can"
        )
    if config.get("quantization_config") is not None:
        raise ForeignModelError(
            f"{config.path}: quantized weights (`quantization_config`) cannot be imported",
            hint="give the model that this was quantized from",
        )
    return str(kind)


def read_ids(config: Settings, kind: str) -> ForeignIds:
    """Ids of padding, EOS and the first piece of a target.

    Raises:
        ForeignModelError: one is missing.
    """
    eos = config.get("eos_token_id")
    if isinstance(eos, list) and len(eos) == 1:
        eos = eos[0]
    if type(eos) is not int or eos < 0:
        raise config.wrong("eos_token_id", "must be one id")
    pad = config.whole("pad_token_id")
    if kind == "m2m_100" and pad != _M2M100_PAD:
        raise config.wrong(
            "pad_token_id", f"must be {_M2M100_PAD}, because positions are counted from behind it"
        )
    return ForeignIds(pad, eos, config.whole("decoder_start_token_id", eos))


def read_architecture(config: Settings, kind: str, ids: ForeignIds) -> ModelConfig:
    """Everything that shapes the network.

    Raises:
        ForeignModelError: a value is wrong, or cannot be represented.
    """
    is_marian = kind == "marian"
    activation = config.get("activation_function") or ("gelu" if is_marian else "relu")
    if activation not in _ACTIVATIONS:
        raise config.wrong(
            "activation_function",
            f"must be one of {', '.join(f'`{name}`' for name in _ACTIVATIONS)}",
        )
    is_tied = config.flag("tie_word_embeddings", default=True)
    # old files spell the second key without meaning: M2M100 always shares
    shares = config.flag("share_encoder_decoder_embeddings", default=True) or not is_marian
    values = {
        "d_model": config.whole("d_model", least=1),
        "encoder_layers": config.whole("encoder_layers", least=1),
        "decoder_layers": config.whole("decoder_layers", least=1),
        "num_heads": config.whole("encoder_attention_heads", least=1),
        "decoder_num_heads": config.whole("decoder_attention_heads", least=1),
        "d_ff": config.whole("encoder_ffn_dim", least=1),
        "decoder_d_ff": config.whole("decoder_ffn_dim", least=1),
        "norm_position": "post" if is_marian else "pre",
        "activation": _ACTIVATIONS[activation],
        "positions": "sinusoidal" if is_marian else "sinusoidal_fairseq",
        "max_positions": config.whole("max_position_embeddings", 1024, least=2),
        "tied_embeddings": "none" if not is_tied else "all" if shares else "decoder",
        "scale_embeddings": config.flag("scale_embedding", default=not is_marian),
        "output_bias": is_marian,
        "target_start": _target_start(config, ids),
        "dropout": config.number("dropout", 0.1),
        "attention_dropout": config.number("attention_dropout", 0.0 if is_marian else 0.1),
        "activation_dropout": config.number("activation_dropout", 0.0),
    }
    return checked_architecture(config, values)


def checked_architecture(config: Settings, values: dict[str, Any]) -> ModelConfig:
    """An architecture whose values fit together.

    Raises:
        ForeignModelError: they do not.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(ModelConfig).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ForeignModelError(
            f"{config.path} describes a model that cannot be represented: {first['msg']}"
        ) from None


def _target_start(config: Settings, ids: ForeignIds) -> str:
    if ids.start in (ids.pad, ids.eos):
        return "pad" if ids.start == ids.pad else "eos"
    if ids.start == config.get("bos_token_id"):
        return "bos"
    raise config.wrong(
        "decoder_start_token_id", "must be `pad_token_id`, `eos_token_id` or `bos_token_id`"
    )


def read_forced_bos(files: Sequence[Settings]) -> tuple[Settings, int | None]:
    """The piece that every output begins with, and the file that says so.

    Raises:
        ForeignModelError: it is not an id.
    """
    file, value = _first(files, "forced_bos_token_id")
    return file, None if value is None else file.whole("forced_bos_token_id")


def _first(files: Sequence[Settings], key: str) -> tuple[Settings, Any]:
    """The value of a key in the first file that has it, and that file."""
    found = [(file, file.get(key)) for file in files]
    return next((pair for pair in found if pair[1] is not None), found[0])


def read_generation(
    files: Sequence[Settings],
    ids: ForeignIds,
    forbidden_ids: Sequence[int],
    max_positions: int,
    num_tgt_tags: int = 0,
) -> DecodingConfig:
    """The default search; the first file that has a key decides.

    Args:
        files: `generation_config.json`, if there is one, and `config.json`.
        ids: the special ids.
        forbidden_ids: other pieces that no translation of ours holds.
        max_positions: the longest output of the model, tags counted.
        num_tgt_tags: pieces of an output before the translation, which lengths count over there.

    Raises:
        ForeignModelError: a value is wrong, or asks for what no search of ours does.
    """
    file, value = _first(files, "forced_eos_token_id")
    if value is not None and value not in (ids.eos, [ids.eos]):
        raise file.wrong("forced_eos_token_id", f"cannot be represented: only `{ids.eos}` can")
    file, words = _first(files, "bad_words_ids")
    never = [[piece_id] for piece_id in (ids.pad, *forbidden_ids)]
    if words is not None and not (isinstance(words, list) and all(w in never for w in words)):
        raise file.wrong("bad_words_ids", f"cannot be represented: only `{never}` can")
    file, _ = _first(files, "num_beams")
    beam_size = file.whole("num_beams", 1, least=1)
    if beam_size > MAX_BEAM_SIZE:
        raise file.wrong("num_beams", f"must be at most {MAX_BEAM_SIZE}")
    file, _ = _first(files, "length_penalty")
    length_penalty = file.number("length_penalty", 1.0)
    if length_penalty > MAX_LENGTH_PENALTY:
        raise file.wrong("length_penalty", f"must be at most {MAX_LENGTH_PENALTY}")
    file, longest = _first(files, "max_new_tokens")
    if longest is not None:
        longest = file.whole("max_new_tokens", least=1)
    else:
        file, _ = _first(files, "max_length")
        # the first piece of the decoder counts over there
        longest = file.whole("max_length", max_positions, least=1) - 1
    return DecodingConfig(
        beam_size=beam_size,
        normalization="average",
        length_penalty=length_penalty,
        max_length=max(1, min(longest, max_positions) - num_tgt_tags),
    )
