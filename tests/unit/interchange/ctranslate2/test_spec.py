"""Invariant 12: an exported model is ours, on the same ids."""

import json
from types import SimpleNamespace

import ctranslate2
import numpy as np
import pytest
import torch

from mtcli.errors import ConfigError
from mtcli.interchange.ctranslate2.spec import refuse_unsupported
from mtcli.tokenizer.protocol import start_id
from tests.support.exports import PIECES, VOCAB_SIZE, exported
from tests.support.models import VARIANTS, searched_model, tiny_model

MORE_VARIANTS = {
    "rms post": ("rms silu gated", {"norm_position": "post"}),
    "rms gated rotary grouped": (
        "rms silu gated",
        {"positions": "rotary", "num_heads": 6, "num_kv_heads": 3, "head_dim": 4},
    ),
    "layer norm without bias": ("pre-norm", {"bias": False}),
    "post without bias": ("post-norm", {"bias": False, "activation": "gelu"}),
    "gelu gated with bias": ("learned gelu", {"gated": True}),
    "rotary multi-query": ("rotary", {"num_heads": 3, "num_kv_heads": 1}),
    "rotary narrow decoder": ("narrow decoder", {"positions": "rotary"}),
    "learned post untied": (
        "post-norm",
        {"positions": "learned", "tied_embeddings": "none", "norm_eps": 1e-3},
    ),
    "rms eps": ("rms silu gated", {"norm_eps": 1e-2}),
    "grouped like the decoder": ("narrow decoder", {"num_heads": 6, "num_kv_heads": 3}),
    "untied with output bias": ("untied unscaled", {"output_bias": True}),
    "deep and shallow": ("pre-norm", {"encoder_layers": 6, "decoder_layers": 1}),
}
ALL_VARIANTS = {name: (name, {}) for name in VARIANTS} | MORE_VARIANTS


def our_log_probs(model, src, tgt):
    """Log-probability of each target id and EOS."""
    with torch.inference_mode():
        memory = model.encode(torch.tensor([[*src, 3]]), None)
        first_id = start_id(model.config.target_start)
        hidden = model.decode(torch.tensor([[first_id, *tgt]]), memory, None)
        log_probs = model.output_logits(hidden)[0].log_softmax(-1)
    return log_probs[torch.arange(len(tgt) + 1), torch.tensor([*tgt, 3])].numpy()


@pytest.mark.parametrize("name", ALL_VARIANTS)
def test_log_probabilities_are_ours(name, tmp_path):
    variant, changes = ALL_VARIANTS[name]
    model = searched_model(variant, scale=1.5, **changes)
    folder = exported(model, tmp_path / "export")
    translator = ctranslate2.Translator(str(folder), intra_threads=1)
    draw = np.random.default_rng(0)
    pairs = [
        [draw.integers(4, VOCAB_SIZE, size=length).tolist() for length in lengths]
        for lengths in ((1, 1), (7, 12), (18, 5), (30, 35))
    ]
    sources, targets = ([[PIECES[i] for i in pair[side]] for pair in pairs] for side in (0, 1))
    scored = translator.score_batch(sources, targets, max_input_length=0)
    for (src, tgt), result in zip(pairs, scored, strict=True):
        np.testing.assert_allclose(result.log_probs, our_log_probs(model, src, tgt), atol=1e-5)


def test_equal_weights_are_stored_once(tmp_path):
    sizes = {
        tied: (exported(searched_model("pre-norm", tied_embeddings=tied), tmp_path / tied))
        for tied in ("all", "decoder", "none")
    }
    sizes = {tied: (path / "model.bin").stat().st_size for tied, path in sizes.items()}
    one = VOCAB_SIZE * 12 * 4
    assert sizes["decoder"] - sizes["all"] == pytest.approx(one, abs=100)
    assert sizes["none"] - sizes["all"] == pytest.approx(2 * one, abs=100)


def test_the_export_says_what_it_needs(tmp_path):
    folder = exported(searched_model("pre-norm"), tmp_path / "export")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["decoder_start_token"] == config["bos_token"] == "<s>"
    assert config["eos_token"] == "</s>"
    assert config["add_source_eos"] is True
    assert json.loads((folder / "shared_vocabulary.json").read_text("utf-8")) == PIECES


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("norm", "power"),
        ("norm_position", "sandwich"),
        ("activation", "relu2"),
        ("positions", "alibi"),
        ("tied_embeddings", "src"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(key, value):
    fine = vars(searched_model("pre-norm").config)
    refuse_unsupported(SimpleNamespace(**fine))
    with pytest.raises(ConfigError) as info:
        refuse_unsupported(SimpleNamespace(**fine | {key: value}))
    assert str(info.value).startswith(
        f"`model.{key}: {value}` cannot be exported to ctranslate2, which supports: "
    )


@pytest.mark.parametrize(
    ("variant", "key"),
    [
        ("local", "encoder_attention: local"),
        ("low rank", "encoder_attention: low_rank"),
        ("local and full decoder", "encoder_attention: local"),
    ],
)
def test_attention_that_is_not_full_is_refused_by_name(variant, key):
    with pytest.raises(ConfigError) as info:
        refuse_unsupported(tiny_model(variant).config)
    assert str(info.value) == (
        f"`model.{key}` cannot be exported to ctranslate2, which supports: full"
        "\nhint: use the model as it is: `mtcli translate` runs it with torch"
    )
