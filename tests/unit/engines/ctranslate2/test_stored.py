"""Exports that a stranger has made: the card is compared before CTranslate2 loads them."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest

from mtcli.engines.ctranslate2.stored import check_export
from mtcli.errors import ModelFolderError
from tests.support.exports import exported
from tests.support.model_folder import card_of
from tests.support.models import VARIANTS, searched_model

pytest.importorskip("ctranslate2")


@pytest.fixture(scope="module")
def model():
    return searched_model("multi-query")


@pytest.fixture(scope="module")
def card(model):
    return card_of(model)


@pytest.fixture
def export(model, tmp_path):
    return exported(model, tmp_path / "export", "int8")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_architecture_passes(variant, tmp_path):
    model = searched_model(variant)
    check_export(exported(model, tmp_path / "export", "int8"), card_of(model))


@pytest.mark.parametrize("quantization", ["float32", "int8_float32", "int16", "float16"])
def test_every_quantization_passes(model, card, tmp_path, quantization):
    check_export(exported(model, tmp_path / "export", quantization), card)


def refusal(export, card):
    with pytest.raises(ModelFolderError) as caught:
        check_export(export, card)
    return str(caught.value)


def place_of(content, name):
    """Where what follows the name of a variable starts: its number of dimensions."""
    return content.index(name.encode() + b"\0") + len(name) + 1


def test_a_matrix_of_another_shape_is_refused(export, card):
    """The same bytes as another shape: CTranslate2 would read beyond the end of what follows."""
    path, name = export / "model.bin", "decoder/layer_0/ffn/linear_0/weight"
    content = bytearray(path.read_bytes())
    start = place_of(content, name) + 1
    assert struct.unpack_from("<II", content, start) == (20, 12)
    struct.pack_into("<II", content, start, 12, 20)
    path.write_bytes(content)
    assert refusal(export, card) == (
        f"{path} is damaged: it stores `{name}` as [12, 20], which must have [20, 12] by"
        " `model.json`"
    )


@pytest.mark.parametrize(
    ("name", "was"),
    [
        ("encoder/num_heads", 3),
        ("decoder/num_heads", 3),
        ("decoder/layer_0/attention/num_heads_kv", 1),
    ],
)
@pytest.mark.parametrize("heads", [0, 2, -1])
def test_other_heads_are_refused(export, card, name, was, heads):
    """0 would be divided by, which ends the process."""
    path = export / "model.bin"
    content = bytearray(path.read_bytes())
    start = place_of(content, name) + 6  # after rank, type and size
    size = int.from_bytes(content[start - 4 : start], "little")
    assert content[start] == was
    content[start : start + size] = heads.to_bytes(size, "little", signed=True)
    path.write_bytes(content)
    assert f"{path} is damaged: its `{name}` is " in refusal(export, card)


def test_numbers_that_must_be_there_are_missed(export, card):
    path, name = export / "model.bin", "encoder/layer_1/self_attention/num_heads_kv"
    content = path.read_bytes()
    path.write_bytes(content.replace(name.encode(), name[:-2].encode() + b"xx"))
    assert refusal(export, card) == (
        f"{path} is damaged: its `{name}` is None, but `model.json` says 1"
    )


@pytest.mark.parametrize("layers", [1, 4, 10**9])
def test_another_number_of_layers_is_refused(export, card, layers):
    other = replace(card, architecture=replace(card.architecture, encoder_layers=layers))
    assert refusal(export, other) == (
        f"{export / 'model.bin'} is damaged: it has 3 encoder layers, but `model.json` says"
        f" {layers}"
    )


@pytest.mark.parametrize("cut", [0, 3, 4, 5, 20, 100, 1_000, -1])
def test_a_cut_file_is_refused(export, card, cut):
    path = export / "model.bin"
    path.write_bytes(path.read_bytes()[:cut])
    assert refusal(export, card).startswith(f"{path} is damaged: ")


@pytest.mark.parametrize(
    ("start", "value", "what"),
    [
        (0, 7, "its version is 7, not 6"),
        (26, 2**32 - 1, "it has 4294967295 variables"),
    ],
)
def test_sizes_are_not_believed(export, card, start, value, what):
    path = export / "model.bin"
    content = bytearray(path.read_bytes())
    assert content[6:21] == b"TransformerSpec"
    struct.pack_into("<I", content, start, value)
    path.write_bytes(content)
    assert refusal(export, card) == f"{path} is damaged: {what}"


def test_what_follows_the_last_variable_is_refused(export, card):
    path = export / "model.bin"
    path.write_bytes(path.read_bytes() + b"\0")
    sentence = f"{path} is damaged: it does not end after its last variable"
    assert refusal(export, card) == sentence


@pytest.mark.parametrize(
    ("pieces", "what"),
    [
        (["<pad>"], None),
        ([], None),
        (["a"] * 60, "it has a piece twice"),
        ([1] * 60, "it is not a list of pieces"),
        ({"a": 1}, "it is not a list of pieces"),
        ("a" * 60, "it is not a list of pieces"),
    ],
)
def test_another_vocabulary_is_refused(export, card, pieces, what):
    """One of a single piece, for instance."""
    path = export / "shared_vocabulary.json"
    path.write_text(json.dumps(pieces), "utf-8")
    assert refusal(export, card) == (
        f"{path} is damaged: {what}"
        if what
        else f"{export} is damaged: its source vocabulary has {len(pieces)} pieces, but"
        " `model.json` says 60"
    )


def test_a_config_that_is_not_an_object_is_refused(export, card):
    (export / "config.json").write_text("[]", "utf-8")
    assert refusal(export, card) == f"{export / 'config.json'} is damaged: it is not an object"


MISSING = object()


@pytest.mark.parametrize("value", [MISSING, None, 0.5, "", 2**31, [[]], "<pad>", "a" * 1000])
@pytest.mark.parametrize(
    "key",
    [
        *("add_source_bos", "add_source_eos", "bos_token", "decoder_start_token", "eos_token"),
        *("unk_token", "layer_norm_epsilon"),
    ],
)
def test_settings_that_do_not_fit_the_card_are_refused(export, card, key, value):
    """CTranslate2 would raise where they have another type, and translate otherwise elsewhere."""
    path = export / "config.json"
    config = json.loads(path.read_text("utf-8"))
    right = config.pop(key)
    if value is not MISSING:
        config[key] = value
    path.write_text(json.dumps(config), "utf-8")
    said = refusal(export, card)
    assert said.startswith(f"{path} is damaged: its `{key}` is ")
    assert said.endswith(f", but `model.json` asks for {json.dumps(right)}")
    assert len(said) < 200 + len(str(path))


def test_an_export_without_settings_is_refused(export, card):
    (export / "config.json").unlink()
    assert str(export / "config.json") in refusal(export, card)
