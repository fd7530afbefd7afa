"""Check an export before CTranslate2 loads it, which trusts sizes, heads and vocabularies.

Its file of variables may be a stranger's. A matrix of another shape would be read beyond its end,
and 0 heads divided by: neither is an error of Python.

Source: CTranslate2 4.8, python/ctranslate2/specs/model_spec.py, `_serialize`.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.architecture import StackShape
from mtcli.errors import ModelFolderError
from mtcli.folders import check_readable, read_json
from mtcli.tokenizer.protocol import start_id

MODEL_FILE = "model.bin"
CONFIG_FILE = "config.json"

Shape: TypeAlias = tuple[int, ...]

_VERSION = 6
_ITEM_SIZES = (4, 1, 2, 4, 2, 2)
"""Bytes of an item of each type: float32, int8, int16, int32, float16, bfloat16."""
_MOST_VARIABLES = 100_000
_DEEPEST_SHAPE = 4
_LONGEST_TEXT = 60
_LAYER = re.compile(r"(encoder|decoder)/layer_(0|[1-9]\d{0,8})/(.+)")
_PARAMETER = re.compile(r"(.+)/(weight|weight_scale|bias|gamma|beta|encodings)")


class _Variable(NamedTuple):
    shape: Shape
    start: bytes
    """Its first bytes; a number has no more."""


def check_export(folder: Path, card: ModelCard) -> None:
    """Check that an export holds a model as the card describes it.

    Raises:
        ModelFolderError: a file is missing or damaged, or does not fit the card.
    """
    for side, size in (("source", card.src_vocab_size), ("target", card.tgt_vocab_size)):
        num_pieces = len(read_pieces(folder, side))
        if num_pieces != size:
            raise ModelFolderError(
                f"{folder} is damaged: its {side} vocabulary has {num_pieces} pieces, but"
                f" `model.json` says {size}"
            )
    _check_config(folder / CONFIG_FILE, expected_config(card, read_pieces(folder, "target")))
    _check_variables(folder / MODEL_FILE, card)


def expected_config(card: ModelCard, tgt_pieces: Sequence[str]) -> dict[str, object]:
    """What the file of settings of an export must hold; CTranslate2 believes it.

    Args:
        card: the model.
        tgt_pieces: the target vocabulary by id.
    """
    return {
        "add_source_bos": False,
        "add_source_eos": True,
        "bos_token": tgt_pieces[card.bos_id],
        "decoder_start_token": tgt_pieces[start_id(card.architecture.target_start)],
        "eos_token": tgt_pieces[card.eos_id],
        "unk_token": tgt_pieces[card.unk_id],
        "layer_norm_epsilon": card.architecture.norm_eps,
    }


def _check_config(path: Path, expected: Mapping[str, object]) -> None:
    """Compare the settings with the card."""
    config = read_json(path, ModelFolderError)
    if not isinstance(config, dict):
        raise ModelFolderError(f"{path} is damaged: it is not an object")
    for key, value in expected.items():
        found = config.get(key)
        if found != value or type(found) is not type(value):
            raise ModelFolderError(
                f"{path} is damaged: its `{key}` is {_shortened(found)}, but `model.json` asks for"
                f" {_shortened(value)}"
            )


def _shortened(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def read_pieces(folder: Path, side: str) -> list[str]:
    """The pieces of an export's vocabulary, by their ids.

    Args:
        folder: the export.
        side: `source` or `target`; one file may serve both.

    Raises:
        ModelFolderError: it is missing or damaged.
    """
    shared_path = folder / "shared_vocabulary.json"
    path = shared_path if shared_path.exists() else folder / f"{side}_vocabulary.json"
    pieces = read_json(path, ModelFolderError)
    if not isinstance(pieces, list) or not set(map(type, pieces)) <= {str}:
        raise ModelFolderError(f"{path} is damaged: it is not a list of pieces")
    if len(set(pieces)) < len(pieces):
        raise ModelFolderError(f"{path} is damaged: it has a piece twice")
    return pieces


def _check_variables(path: Path, card: ModelCard) -> None:
    """Compare names, shapes and heads of the variables with the card."""
    check_readable(path, ModelFolderError)
    try:
        with path.open("rb") as file:
            variables = _read_variables(file, path.stat().st_size)
    except (struct.error, ValueError) as error:
        raise ModelFolderError(f"{path} is damaged: {error}") from None
    num_layers = {"encoder": 0, "decoder": 0}
    for name, variable in variables.items():
        expected = _shape_of(name, card)
        if match := _LAYER.fullmatch(name):
            num_layers[match[1]] = max(num_layers[match[1]], int(match[2]) + 1)
        if variable.shape != expected and not (
            variable.shape == () and (expected is None or name.endswith("weight_scale"))
        ):
            wanted = "is unknown" if expected is None else f"must have {list(expected)}"
            raise ModelFolderError(
                f"{path} is damaged: it stores `{name}` as {list(variable.shape)}, which {wanted}"
                " by `model.json`"
            )
    for side, shape in _stacks(card).items():
        if num_layers[side] != shape.num_layers:
            raise ModelFolderError(
                f"{path} is damaged: it has {num_layers[side]} {side} layers, but `model.json` says"
                f" {shape.num_layers}"
            )
        _check_heads(path, side, shape, variables)


def _check_heads(path: Path, side: str, shape: StackShape, variables: dict[str, _Variable]) -> None:
    """Compare the numbers by which CTranslate2 splits matrices; it guesses those that lack."""
    expected = {"num_heads_kv": shape.num_kv_heads, "head_dim": shape.head_dim, "rotary_dim": 0}
    wanted = {
        name: expected[name.rpartition("/")[2]]
        for name in variables
        if name.startswith(f"{side}/") and name.rpartition("/")[2] in expected
    }
    wanted[f"{side}/num_heads"] = shape.num_heads
    attentions = ("self_attention", "attention") if side == "decoder" else ("self_attention",)
    blocks = [f"{side}/layer_{i}/{name}" for i in range(shape.num_layers) for name in attentions]
    if shape.num_kv_heads != shape.num_heads:
        wanted |= {f"{block}/num_heads_kv": shape.num_kv_heads for block in blocks}
    if shape.q_width != shape.d_model:
        wanted |= {f"{block}/head_dim": shape.head_dim for block in blocks}
    for name, number in wanted.items():
        variable = variables.get(name)
        found = None if variable is None else int.from_bytes(variable.start, "little")
        if found != number:
            raise ModelFolderError(
                f"{path} is damaged: its `{name}` is {found}, but `model.json` says {number}"
            )


def _read_variables(file: BinaryIO, num_bytes: int) -> dict[str, _Variable]:
    """Names, shapes and first bytes of all variables; those that share another's are left out.

    Raises:
        ValueError: the file is cut or malformed.
        struct.error: it is cut.
    """
    (version,) = _unpack(file, "<I")
    if version != _VERSION:
        raise ValueError(f"its version is {version}, not {_VERSION}")
    _name(file)
    _, num_variables = _unpack(file, "<II")
    if num_variables > _MOST_VARIABLES:
        raise ValueError(f"it has {num_variables} variables")
    variables: dict[str, _Variable] = {}
    for _ in range(num_variables):
        name = _name(file)
        (rank,) = _unpack(file, "<B")
        if rank > _DEEPEST_SHAPE:
            raise ValueError(f"`{name}` has {rank} dimensions")
        shape = _unpack(file, f"<{rank}I")
        dtype, size = _unpack(file, "<BI")
        if dtype >= len(_ITEM_SIZES) or prod(shape) * _ITEM_SIZES[dtype] != size:
            raise ValueError(f"`{name}` of shape {list(shape)} has {size} bytes of type {dtype}")
        start = file.read(min(size, 8))
        if file.seek(size - len(start), 1) > num_bytes:
            raise ValueError(f"it ends within `{name}`")
        variables[name] = _Variable(shape, start)
    _check_aliases(file, variables)
    return variables


def _check_aliases(file: BinaryIO, variables: dict[str, _Variable]) -> None:
    (num_aliases,) = _unpack(file, "<I")
    if num_aliases > _MOST_VARIABLES:
        raise ValueError(f"it has {num_aliases} shared variables")
    for _ in range(num_aliases):
        name, target = _name(file), _name(file)
        if target not in variables:
            raise ValueError(f"`{name}` shares `{target}`, which is missing")
        variables.setdefault(name, variables[target])
    if file.read(1):
        raise ValueError("it does not end after its last variable")


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _name(file: BinaryIO) -> str:
    (size,) = _unpack(file, "<H")
    text = file.read(size)
    if len(text) < size or not text.endswith(b"\0"):
        raise ValueError("a name does not end")
    return text[:-1].decode("utf-8")


def _stacks(card: ModelCard) -> dict[str, StackShape]:
    return {
        "encoder": card.architecture.encoder_shape,
        "decoder": card.architecture.decoder_shape,
    }


def _shape_of(name: str, card: ModelCard) -> Shape | None:
    """The shape of a variable; None for a single number, or a name that is unknown."""
    config, width = card.architecture, card.architecture.d_model
    if match := _LAYER.fullmatch(name):
        return _shape_in_layer(match[3], _stacks(card)[match[1]])
    return {
        "encoder/embeddings_0/weight": (card.src_vocab_size, width),
        "encoder/embeddings_0/weight_scale": (card.src_vocab_size,),
        "decoder/embeddings/weight": (card.tgt_vocab_size, width),
        "decoder/embeddings/weight_scale": (card.tgt_vocab_size,),
        "decoder/projection/weight": (card.tgt_vocab_size, width),
        "decoder/projection/weight_scale": (card.tgt_vocab_size,),
        "decoder/projection/bias": (card.tgt_vocab_size,),
        "encoder/position_encodings/encodings": (config.max_positions, width),
        "decoder/position_encodings/encodings": (config.max_positions, width),
        "encoder/layer_norm/gamma": (width,),
        "encoder/layer_norm/beta": (width,),
        "decoder/layer_norm/gamma": (width,),
        "decoder/layer_norm/beta": (width,),
    }.get(name)


def _shape_in_layer(name: str, shape: StackShape) -> Shape | None:
    match = _PARAMETER.fullmatch(name)
    if match is None:
        return None
    if match[2] in ("gamma", "beta"):
        return (shape.d_model,)
    product = dict(_products(shape)).get(match[1])
    if product is None:
        return None
    return product if match[2] == "weight" else product[:1]


def _products(shape: StackShape) -> Iterator[tuple[str, Shape]]:
    """Rows and columns of the matrices of a layer; those that are computed together are one."""
    width = shape.d_model
    yield "self_attention/linear_0", (shape.q_width + 2 * shape.kv_width, width)
    yield "self_attention/linear_1", (width, shape.q_width)
    yield "attention/linear_0", (shape.q_width, width)
    yield "attention/linear_1", (2 * shape.kv_width, width)
    yield "attention/linear_2", (width, shape.q_width)
    yield "ffn/linear_0", (shape.d_ff, width)
    yield "ffn/linear_0_noact", (shape.d_ff, width)
    yield "ffn/linear_1", (width, shape.d_ff)
