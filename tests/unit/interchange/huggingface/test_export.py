"""Exports to Hugging Face: refusals, and what is verified without `transformers`."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch

from mtcli.bundle.model_folder import read_model, write_model
from mtcli.config.schema.compat import class_of
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import ConfigError, RunFolderError
from mtcli.interchange.foreign_export import (
    ForeignTranslation,
    ForeignVerificationError,
    agreement_of,
    check_agreement,
)
from mtcli.interchange.huggingface import export, verification
from mtcli.interchange.huggingface.export import export_huggingface, refuse_unsupported
from mtcli.interchange.importing import import_model
from mtcli.interchange.verification import Sentences
from mtcli.tokenizer.protocol import start_id
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.translating.answer import Translation
from mtcli.translating.loaded_model import load_tokenizers
from tests.support.model_folder import card_of
from tests.support.models import ATTENTION_VARIANTS, VARIANTS, searched_model, tiny_model
from tests.support.tokenizers import WORDS_VOCAB_SIZE, train_on_words

EXPORTED = {
    "post-norm": ("post-norm", {}),
    "marian": ("marian", {}),
    "decoder tied": ("marian", {"tied_embeddings": "decoder", "target_start": "bos"}),
    "untied": ("marian", {"tied_embeddings": "none", "target_start": "eos"}),
    "narrow decoder": ("narrow decoder", {"norm_position": "post", "positions": "learned"}),
    "marian t2t": ("marian t2t", {}),
    "m2m100": ("m2m100", {}),
    "m2m100, other keys": (
        "m2m100",
        {"target_start": "bos", "scale_embeddings": False, "activation": "gelu"},
    ),
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    train_on_words(path)
    return path


def write(folder, tokenizer, variant, *, rule="identity", generation=None, **changes):
    model = searched_model(variant, vocab_size=WORDS_VOCAB_SIZE, max_positions=64, **changes)
    return write_card(folder, tokenizer, model, rule, generation)


def write_lively(folder, tokenizer, variant, *, rule="identity", generation=None, **changes):
    """A model folder whose translations differ with the source, and some of which end."""
    model = tiny_model(variant, vocab_size=WORDS_VOCAB_SIZE, max_positions=64, **changes).float()
    make_lively(model)
    return write_card(folder, tokenizer, model, rule, generation)


def write_card(folder, tokenizer, model, rule, generation):
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    card = replace(card_of(model), src_normalization=rule)
    generation = generation or DecodingConfig(beam_size=3, max_length=12, batch_size=4)
    write_model(folder, weights, card, {"tokenizer.model": tokenizer}, generation)
    return model


@torch.no_grad()
def make_lively(model):
    for name, weight in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            weight.normal_(1.0, 0.2)
        elif name.endswith("bias"):
            weight.normal_(0.0, 0.1)
        else:
            gain = 2.8 if "cross_attn.v" in name or "cross_attn.out" in name else 1.2
            weight.normal_(0.0, gain * weight.size(-1) ** -0.5)
    # EOS looks more and more like what the decoder says at the sixth place
    src = torch.randint(4, WORDS_VOCAB_SIZE, (24, 9))
    tgt = torch.randint(4, WORDS_VOCAB_SIZE, (24, 6))
    eos = model.decode(tgt, model.encode(src, None), None)[:, -1].mean(0)
    src[:, -1] = 3
    for step in range(24):
        model.output_weight_VD[3] = eos * 0.1 * 1.25**step
        memory = model.encode(src, None)
        ids = torch.full((24, 1), start_id(model.config.target_start))
        for _ in range(10):
            logits = model.output_logits(model.decode(ids, memory, None))[:, -1]
            logits[:, :3] = -torch.inf
            ids = torch.cat([ids, logits.argmax(-1)[:, None]], 1)
        if (ids == 3).any(1).sum() >= 8:
            return
    raise AssertionError("no translation ends by itself")


@pytest.mark.parametrize("name", EXPORTED)
def test_an_export_that_is_imported_again_is_the_model(tokenizer, tmp_path, monkeypatch, name):
    monkeypatch.setattr(verification, "find_spec", lambda _: None)
    variant, changes = EXPORTED[name]
    write(tmp_path / "model", tokenizer, variant, **changes)
    report = export_huggingface(tmp_path / "model", tmp_path / "export")
    assert (report.verified_with, report.agreement, report.warnings) == (None, None, ())
    again = import_model(tmp_path / "export", tmp_path / "again")
    assert again.model.warnings == ()
    ours, theirs = read_model(tmp_path / "model"), read_model(tmp_path / "again")
    expected = ours.weights()
    assert theirs.weights().keys() == expected.keys()
    for key, array in theirs.weights().items():
        np.testing.assert_array_equal(array, expected[key])
    architecture = theirs.card.architecture
    assert replace(architecture, decoder_num_heads=None, decoder_d_ff=None) == replace(
        ours.card.architecture, decoder_num_heads=None, decoder_d_ff=None
    )
    assert architecture.decoder_shape == ours.card.architecture.decoder_shape
    assert (theirs.generation.beam_size, theirs.generation.max_length) == (3, 12)
    vocabulary = json.loads((tmp_path / "export/vocab.json").read_text("utf-8"))
    if theirs.card.architecture.norm_position == "post":
        assert max(vocabulary, key=vocabulary.get) == "<pad>"
    else:
        assert list(vocabulary)[:4] == ["<s>", "<pad>", "</s>", "<unk>"]


def test_a_wrong_weight_is_noticed_without_transformers(tokenizer, tmp_path, monkeypatch):
    write(tmp_path / "model", tokenizer, "marian")
    monkeypatch.setattr(verification, "find_spec", lambda _: None)
    slots = export.layout.slots

    def swapped(*arguments):
        for slot in slots(*arguments):
            name = slot.ours
            if "q_proj" in name:
                slot = slot._replace(ours=name.replace("q_proj", "k_proj"))
            yield slot

    write_of = export._write

    def write_swapped(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(export.layout, "slots", swapped)
            return write_of(*arguments)

    monkeypatch.setattr(export, "_write", write_swapped)
    with pytest.raises(ForeignVerificationError, match=r"its `.*q_proj.*` is another one"):
        export_huggingface(tmp_path / "model", tmp_path / "export")
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize(
    ("variant", "changes", "keys"),
    [
        ("pre-norm", {}, ["`model.positions: sinusoidal` instead of sinusoidal_fairseq"]),
        (
            "m2m100",
            {"tied_embeddings": "decoder", "output_bias": True, "target_start": "pad"},
            ["`model.tied_embeddings: decoder` instead of all",
             "`model.output_bias: true` instead of false",
             "`model.target_start: pad` instead of bos or eos"],
        ),
        (
            "rms silu gated",
            {"norm_position": "post"},
            ["`model.norm: rms` instead of layer", "`model.bias: false` instead of true",
             "`model.gated: true` instead of false"],
        ),
        ("marian", {"norm_eps": 1e-6}, ["`model.norm_eps: 1e-06` instead of 1e-05"]),
        ("rotary", {"norm_position": "post"}, ["`model.positions: rotary` instead of sinusoidal"]),
        ("multi-query", {"norm_position": "post"}, ["`model.num_kv_heads: 1` instead of 3"]),
        (
            "m2m100",
            {"norm_position": "post"},
            ["`model.positions: sinusoidal_fairseq` instead of sinusoidal, sinusoidal_marian or"],
        ),
        ("head_dim", {"norm_position": "post"}, ["`model.head_dim: 10` instead of"]),
        ("local", {"norm_position": "post"}, ["`model.encoder_attention: local` instead of full"]),
    ],
)  # fmt: skip
def test_architectures_without_a_class_are_refused_by_every_key(variant, changes, keys):
    config = tiny_model(variant, **changes).config
    with pytest.raises(ConfigError) as info:
        refuse_unsupported(config)
    for key in keys:
        assert key in str(info.value)
    assert str(info.value).startswith(
        f"the model cannot be exported to huggingface: `{class_of(config)}` has no `model."
    )


def test_every_architecture_is_exported_or_refused():
    fitting = set()
    for variant in VARIANTS | ATTENTION_VARIANTS:
        try:
            refuse_unsupported(tiny_model(variant).config)
        except ConfigError:
            continue
        fitting.add(variant)
    assert fitting == {"post-norm", "marian", "marian t2t", "m2m100"}


def test_an_output_that_exists_is_not_touched(tokenizer, tmp_path):
    write(tmp_path / "model", tokenizer, "marian")
    (tmp_path / "export").mkdir()
    with pytest.raises(RunFolderError, match="already exists"):
        export_huggingface(tmp_path / "model", tmp_path / "export")


def test_what_users_must_know_is_a_warning(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "find_spec", lambda _: None)
    generation = DecodingConfig(normalization="gnmt")
    write(tmp_path / "m", tokenizer, "marian", rule="nfc", generation=generation)
    warnings = export_huggingface(tmp_path / "m", tmp_path / "export").warnings
    assert len(warnings) == 2
    assert "`nfc`" in warnings[0]
    assert "`gnmt`" in warnings[1]


def test_the_rule_of_the_source_goes_into_its_file(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "find_spec", lambda _: None)
    write(tmp_path / "m", tokenizer, "marian", rule="nmt_nfkc_cf")
    assert export_huggingface(tmp_path / "m", tmp_path / "export").warnings == ()
    plain = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer))
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "export/source.spm"))
    src, _ = load_tokenizers(read_model(tmp_path / "m"))
    for text in ("Ba\u00a0DI  fo", "\uff42\uff41 di\tfo", "ba \u2460 \ufb01", " ba "):
        assert theirs.encode(text) == src.encode(text)
    assert theirs.encode("BA") != plain.encode("BA")
    assert (tmp_path / "export/target.spm").read_bytes() == tokenizer.read_bytes()


def answer(text, log_prob):
    return Translation(text=text, log_prob=log_prob, score=0.0)


def test_agreement_counts_lines_and_the_largest_difference_of_a_piece():
    ours = [answer("a", -1.0), answer("b", -2.0), answer("c", -3.0)]
    theirs = [
        ForeignTranslation("a", -1.5, 5),
        ForeignTranslation("x", -9.0, 2),
        ForeignTranslation("c", -3.2, 4),
    ]
    agreement = agreement_of(ours, theirs)
    assert (agreement.num_lines, agreement.num_alike) == (3, 2)
    assert agreement.share == pytest.approx(2 / 3)
    assert agreement.log_prob_difference == pytest.approx(0.1)
    check_agreement(Path("DIR"), agreement, "Other", 2 / 3)
    with pytest.raises(ForeignVerificationError) as info:
        check_agreement(Path("DIR"), agreement, "Other", 0.7)
    assert str(info.value) == (
        "DIR was not kept: Other translates 2 of 3 lines as the model does, which is below the"
        " threshold of 70.0%"
    )


def test_no_line_is_no_agreement():
    with pytest.raises(ForeignVerificationError, match="none of the lines to compare has text"):
        agreement_of([], [])


def test_a_broken_transformers_is_no_traceback(tokenizer, tmp_path, monkeypatch):
    write(tmp_path / "model", tokenizer, "marian")
    monkeypatch.setattr(verification, "find_spec", lambda _: "found")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"`transformers` is installed, but broken \(import of"):
        export_huggingface(tmp_path / "model", tmp_path / "export")
    assert not (tmp_path / "export").exists()


# ------------------------------------------------------------------------------ with transformers


@pytest.fixture
def transformers():
    return pytest.importorskip("transformers")


with_transformers = [
    pytest.mark.slow,  # one of the dev tools, with which CI runs the slow tests
    pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses:UserWarning"),
]


def marked(function):
    for mark in with_transformers:
        function = mark(function)
    return function


@marked
@pytest.mark.parametrize("name", EXPORTED)
def test_transformers_has_the_same_logits_and_translations(transformers, tokenizer, tmp_path, name):
    variant, changes = EXPORTED[name]
    ours = write_lively(tmp_path / "model", tokenizer, variant, **changes).eval()
    report = export_huggingface(tmp_path / "model", tmp_path / "export")
    assert report.verified_with == f"transformers {transformers.__version__}"
    assert report.is_made_up
    assert report.agreement.num_lines >= 32
    assert report.agreement.share == 1.0
    assert report.agreement.log_prob_difference < 1e-5
    assert report.toolkit == f"Hugging Face ({class_of(ours.config)})"
    theirs, told = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        tmp_path / "export", output_loading_info=True
    )
    assert type(theirs).__name__ == class_of(ours.config)
    assert isinstance(
        transformers.AutoTokenizer.from_pretrained(tmp_path / "export"),
        transformers.MarianTokenizer,
    )
    assert not any(told.values()), told  # no weight is missing, left over or of another shape
    vocabulary = json.loads((tmp_path / "export/vocab.json").read_text("utf-8"))
    pieces = SentencePieceTokenizer(tokenizer)
    rows = torch.tensor([vocabulary[pieces.id_to_piece(i)] for i in range(pieces.vocab_size)])
    draw = torch.Generator().manual_seed(0)
    src, tgt = (torch.randint(4, WORDS_VOCAB_SIZE, (3, n), generator=draw) for n in (9, 6))
    src[:, -1] = 3
    tgt[:, 0] = start_id(ours.config.target_start)
    with torch.inference_mode():
        found = theirs.eval()(input_ids=rows[src], decoder_input_ids=rows[tgt]).logits[..., rows]
        want = ours.output_logits(ours.decode(tgt, ours.encode(src, None), None))
    torch.testing.assert_close(found, want, rtol=0, atol=1e-5)


@marked
@pytest.mark.parametrize(
    "generation",
    [
        DecodingConfig(beam_size=1, max_length=9),
        DecodingConfig(beam_size=4, max_length=20, length_penalty=0.6),
        DecodingConfig(beam_size=3, max_length=64, normalization="none"),
        DecodingConfig(beam_size=3, max_length=12, normalization="gnmt"),
    ],
    ids=lambda g: f"beam {g.beam_size} {g.normalization}",
)
def test_every_search_and_line_is_compared(transformers, tokenizer, tmp_path, generation):
    write_lively(tmp_path / "model", tokenizer, "marian", rule="nmt_nfkc", generation=generation)
    # lines over the 20 pieces of training are translated in parts; blank ones are not
    words = ["ba ce di fo. " * 9, "", " \t", "gu \uff48\uff41 je", "\u00a0ki", "lo \u200b mu", "na"]
    report = export_huggingface(
        tmp_path / "model", tmp_path / "export", sentences=Sentences(tuple(words))
    )
    src, _ = load_tokenizers(read_model(tmp_path / "model"))
    assert len(src.encode(words[0])) > 20
    assert report.agreement.num_lines > len(words) - 2
    assert report.agreement.share == 1.0
    assert report.agreement.log_prob_difference < 1e-5
    theirs = transformers.MarianTokenizer.from_pretrained(tmp_path / "export")
    vocabulary = json.loads((tmp_path / "export/vocab.json").read_text("utf-8"))
    for text in words[3:]:
        pieces = [src.id_to_piece(i) for i in [*src.encode(text), 3]]
        assert theirs([text]).input_ids == [[vocabulary[piece] for piece in pieces]]


@marked
def test_an_export_that_translates_differently_is_not_kept(
    transformers, tokenizer, tmp_path, monkeypatch
):
    write_lively(tmp_path / "model", tokenizer, "marian")
    monkeypatch.setattr(export, "_read_back", lambda *_: None)
    slots = export.layout.slots

    def swapped(*arguments):
        for slot in slots(*arguments):
            name = slot.ours.replace("q_proj", "k_proj") if "q_proj" in slot.ours else slot.ours
            yield slot._replace(ours=name)

    monkeypatch.setattr(export.layout, "slots", swapped)
    with pytest.raises(ForeignVerificationError, match=r"export was not kept: `transformers` tran"):
        export_huggingface(tmp_path / "model", tmp_path / "export")
    assert not (tmp_path / "export").exists()
    with pytest.raises(ForeignVerificationError, match="none of the lines to compare has text"):
        export_huggingface(
            tmp_path / "model", tmp_path / "export", sentences=Sentences(("", "\u200b"))
        )
