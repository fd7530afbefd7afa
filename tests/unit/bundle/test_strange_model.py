"""Cards and weights that a stranger has made: they are compared before anything is built."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from mtcli.bundle.card import ModelCard
from mtcli.bundle.model_folder import read_model, write_model
from mtcli.bundle.weight_shapes import weight_shapes
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.attention import LocalAttentionConfig
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import ModelFolderError
from mtcli.folders import sha256_of
from tests.support.model_folder import card_of
from tests.support.models import VARIANTS, tiny_model

CARD = ModelCard(
    src_lang="en",
    tgt_lang="no",
    architecture=ModelConfig(
        d_model=12, num_heads=3, d_ff=20, encoder_layers=2, decoder_layers=1, positions="rotary"
    ),
    src_vocab_size=40,
    tgt_vocab_size=40,
    shared_vocab=True,
    max_src_length=17,
)

GLOBAL = LocalAttentionConfig(kind="local", separators=True)


@pytest.fixture
def model(tmp_path):
    (tmp_path / "some.model").write_bytes(b"sentencepiece")
    arrays = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(CARD)}
    files = {"tokenizer.model": tmp_path / "some.model"}
    write_model(tmp_path / "model", arrays, CARD, files, DecodingConfig())
    return tmp_path / "model"


def agree(model, name):
    """Make the manifest agree with a file that a test changed."""
    manifest = json.loads((model / "MANIFEST.json").read_text("utf-8"))
    path = model / name
    manifest["files"][name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    (model / "MANIFEST.json").write_text(json.dumps(manifest), "utf-8")


def write_card(model, card):
    """The card as a stranger writes it."""
    (model / "model.json").write_text(json.dumps(card), "utf-8")
    agree(model, "model.json")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_card_says_the_names_and_shapes_of_all_weights(variant):
    model = tiny_model(variant)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    shapes = list(weight_shapes(card_of(model)))
    assert dict(shapes) == expected
    assert len(shapes) == len(expected)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("encoder_layers", 1_000, "lacks `encoder.layers.2.self_attn.q_proj.weight`"),
        ("decoder_layers", 2, "lacks `decoder.layers.1.self_attn.q_proj.weight`"),
        ("encoder_layers", 1, "has `encoder.layers.1."),
        ("d_model", 12 * 10**15, "stores `shared_embed.weight` as [40, 12], but"),
        ("d_ff", 10**12, "as [20, 12], but `model.json` asks for [1000000000000, 12]"),
        ("num_heads", 6, "as [12, 12], but `model.json` asks for [24, 12]"),
        ("bias", False, "which `model.json` does not ask for"),
        ("norm_position", "post", "which `model.json` does not ask for"),
        ("positions", "learned", "lacks `src_positions.table_PD`"),
        ("tied_embeddings", "none", "lacks `src_embed.weight`"),
    ],
)
def test_weights_that_the_card_does_not_describe_are_refused_unbuilt(model, key, value, sentence):
    card = asdict(CARD)
    card["architecture"] |= {"head_dim": 4, key: value}
    write_card(model, card)
    with pytest.raises(ModelFolderError) as caught:
        read_model(model).weights()
    assert str(caught.value).startswith(f"{model / 'model.safetensors'} ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("attention", [{"kind": "full"}, {"kind": "local"}])
def test_a_card_does_not_ask_for_a_billion_layers(model, attention):
    """A list of their windows would take gigabytes."""
    card = asdict(CARD)
    card["architecture"] |= {"decoder_layers": 10**9, "decoder_attention": attention}
    write_card(model, card)
    with pytest.raises(ModelFolderError, match=r"at `architecture\.decoder_layers`"):
        read_model(model)


@pytest.mark.parametrize("positions", ["rotary", "sinusoidal"])
def test_position_tables_out_of_all_proportion_are_refused(model, positions):
    """They are computed, not stored, so the weights do not bound them."""
    card = asdict(CARD)
    card["architecture"] |= {"max_positions": 10**12, "positions": positions}
    write_card(model, card)
    with pytest.raises(ModelFolderError) as caught:
        read_model(model).weights()
    num_bytes = {"rotary": 4 * 4 * 4, "sinusoidal": 4 * 2 * 12}[positions] * 10**12
    assert str(caught.value) == (
        f"{model} is invalid: `max_positions` of `model.json` is 1000000000000, which takes"
        f" {num_bytes} bytes of tables"
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"src_vocab_size": 41},
            "one vocabulary serves both sides, but it has 41 source pieces and 40 target pieces",
        ),
        (
            {"shared_vocab": False, "src_vocab_size": 41},
            "one vocabulary serves both sides, but it has 41 source pieces and 40 target pieces",
        ),
        (
            {"eos_id": 10**6},
            "`pad_id`, `unk_id`, `bos_id` and `eos_id` must be 0, 1, 2 and 3, found 0, 1, 2,"
            " 1000000",
        ),
        (
            {"src_vocab_size": 3, "tgt_vocab_size": 3},
            "a vocabulary has at least the 4 special pieces",
        ),
        (
            {"architecture": asdict(replace(CARD.architecture, max_positions=1))},
            "`max_positions` must be at least 2, found 1",
        ),
        (
            {"architecture": asdict(replace(CARD.architecture, encoder_attention=GLOBAL))},
            "its attention sees separators of sentences, so `src_separator_id` must be a piece,"
            " found None",
        ),
        (
            {
                "architecture": asdict(replace(CARD.architecture, decoder_attention=GLOBAL)),
                "tgt_separator_id": 40,
            },
            "its attention sees separators of sentences, so `tgt_separator_id` must be a piece,"
            " found 40",
        ),
    ],
)
def test_a_card_that_no_model_has_is_refused(model, changes, sentence):
    write_card(model, asdict(CARD) | changes)
    with pytest.raises(ModelFolderError) as caught:
        read_model(model)
    assert str(caught.value) == f"{model / 'model.json'} is invalid: {sentence}"


@pytest.mark.parametrize("changes", [{"beam_size": 10**9}, {"batch_size": 10**9}])
def test_a_model_does_not_ask_for_a_search_without_bounds(model, changes):
    (model / "generation.json").write_text(json.dumps(changes), "utf-8")
    agree(model, "generation.json")
    with pytest.raises(ModelFolderError, match=r"generation\.json is invalid at `b\w+_size`"):
        read_model(model)


def test_weights_of_another_type_are_refused(model):
    arrays = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(CARD)}
    arrays["shared_embed.weight"] = arrays["shared_embed.weight"].astype(np.int32)
    save_file(arrays, model / "model.safetensors")
    agree(model, "model.safetensors")
    with pytest.raises(ModelFolderError) as caught:
        read_model(model).weights()
    assert str(caught.value) == (
        f"{model / 'model.safetensors'} stores `shared_embed.weight` in the type I32, but weights"
        " must be one of F32, F16, F64"
    )


@pytest.mark.parametrize("content", [b"", b"\1", struct.pack("<Q", 2**60) + b"{}", b"\xff" * 64])
def test_a_header_is_not_read_beyond_its_bound(model, content):
    (model / "model.safetensors").write_bytes(content)
    agree(model, "model.safetensors")
    with pytest.raises(ModelFolderError, match=r"model\.safetensors is damaged and cannot be read"):
        read_model(model).weights()
