import json
import random

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from mtcli.bundle.model_folder import read_model
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import SearchOptions
from mtcli.engines import torch as torch_engine
from mtcli.engines.protocol import EngineBatch
from mtcli.engines.torch import TorchEngine
from mtcli.engines.torch_loading import (
    load_ensemble,
    load_weights,
)
from mtcli.errors import ConfigError, DeviceError, ModelFolderError
from mtcli.folders import sha256_of
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, start_id
from mtcli.translating.loaded_model import LoadedModel, load_tokenizers
from mtcli.translating.request import TranslationRequest, open_translator
from mtcli.translating.translator import Translator
from tests.support.engines import translate
from tests.support.model_folder import untrained_model, write_tiny_model
from tests.support.models import searched_model
from tests.support.tokenizers import WORDS_VOCAB_SIZE, train_on_words

CPU = torch.device("cpu")
OPTIONS = SearchOptions(beam_size=3, num_hypotheses=2, normalization="average", length_penalty=1.0)


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    train_on_words(path)
    return path


@pytest.fixture
def model_folder(tmp_path, tokenizer_file):
    write_tiny_model(tmp_path / "model", tokenizer_file)
    return tmp_path / "model"


def random_sentences(number, seed=1):
    generator = random.Random(seed)
    lengths = [generator.randrange(1, 15) for _ in range(number)]
    return [[generator.randrange(4, WORDS_VOCAB_SIZE) for _ in range(n)] for n in lengths]


@pytest.mark.parametrize("target_start", ["bos", "pad", "eos"])
def test_the_decoder_first_reads_what_its_model_says(target_start):
    model = searched_model(target_start=target_start, output_bias=True)
    with torch.no_grad():
        model.output_bias[BOS_ID] = 20  # an ordinary piece, unless it starts every target
    engine = TorchEngine(model, CPU)
    (found,) = translate(engine, [[5, 6, 7]], [4], OPTIONS)[0][:1]
    assert (BOS_ID in found.token_ids) == (target_start != "bos")
    tgt = [7, 8]
    with torch.inference_mode():
        memory = model.encode(torch.tensor([[5, 6, EOS_ID]]), None)
        hidden = model.decode(torch.tensor([[start_id(target_start), *tgt]]), memory, None)
        log_probs = model.output_logits(hidden)[0].log_softmax(-1)
    want = [float(log_probs[t, i]) for t, i in enumerate([*tgt, EOS_ID])]
    assert engine.score([[5, 6]], [tgt])[0] == pytest.approx(want, abs=1e-5)


def test_a_batch_is_as_one_by_one():
    engine = TorchEngine(untrained_model().double().eval(), CPU)
    sentences = random_sentences(9)
    limits = [4 + len(ids) for ids in sentences]
    together = translate(engine, sentences, limits, OPTIONS)
    assert len({hypotheses[0].token_ids for hypotheses in together}) > 4
    for ids, limit, found in zip(sentences, limits, together, strict=True):
        (alone,) = translate(engine, [ids], [limit], OPTIONS)
        assert [h.token_ids for h in alone] == [h.token_ids for h in found]
        assert [h.is_complete for h in alone] == [h.is_complete for h in found]
        for a, b in zip(alone, found, strict=True):
            assert a.log_prob == pytest.approx(b.log_prob, abs=1e-9)
            assert a.score == pytest.approx(b.score, abs=1e-9)
        assert all(len(h.token_ids) <= limit for h in found)
        assert found[0].score >= found[1].score


@pytest.mark.parametrize("num_threads", [1, 2])
def test_batches_beside_each_other_are_as_one_by_one(num_threads):
    model = untrained_model().double().train()
    engine = TorchEngine(model, CPU)
    batches = [
        EngineBatch(sentences, [4 + len(ids) for ids in sentences])
        for sentences in (random_sentences(number, seed=number) for number in (5, 1, 3, 7))
    ]
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        found = engine.begin(batches, OPTIONS).result()
        assert model.training
        assert torch.get_num_threads() == num_threads
    finally:
        torch.set_num_threads(before)
    for batch, of_batch in zip(batches, found, strict=True):
        for one, alone in zip(of_batch, translate(engine, *batch[:2], OPTIONS), strict=True):
            assert [h.token_ids for h in one] == [h.token_ids for h in alone]
            # no last bits: the sums of a product may run in another order
            assert [h.log_prob for h in one] == pytest.approx([h.log_prob for h in alone], abs=1e-9)
            assert [h.score for h in one] == pytest.approx([h.score for h in alone], abs=1e-9)
            assert [h.is_complete for h in one] == [h.is_complete for h in alone]
    assert engine.begin([], OPTIONS).result() == []


def test_an_error_in_one_of_several_batches_is_told(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(torch_engine, "beam_search", full)
    engine = TorchEngine(untrained_model().eval(), CPU)
    with pytest.raises(DeviceError, match="use a smaller `batch_size`"):
        engine.begin([EngineBatch([[5]], [4])] * 3, OPTIONS).result()


def test_special_ids_are_never_in_an_output():
    engine = TorchEngine(untrained_model().eval(), CPU)
    found = translate(engine, random_sentences(20), [20] * 20, OPTIONS)
    ids = {i for hypotheses in found for h in hypotheses for i in h.token_ids}
    assert ids.isdisjoint({0, 1, 2, 3})
    assert ids


def test_no_sentences():
    assert translate(TorchEngine(untrained_model(), CPU), [], [], OPTIONS) == []


def test_a_model_in_training_is_judged_without_dropout_and_goes_on_training():
    model = untrained_model().train()
    sentences = random_sentences(5)
    first, second = (translate(TorchEngine(model, CPU), sentences, [9] * 5, OPTIONS) for _ in "ab")
    assert first == second
    assert model.training
    evaluated = translate(TorchEngine(untrained_model().eval(), CPU), sentences, [9] * 5, OPTIONS)
    assert first == evaluated
    model.encode(torch.tensor([[5, 3]]), None).sum().backward()  # nothing is left in inference mode


def test_the_longest_source_and_output_are_taken():
    engine = TorchEngine(untrained_model().eval(), CPU)
    longest = engine.max_positions
    assert longest == 40
    (found,) = translate(engine, [[7] * (longest - 1)], [longest], OPTIONS)
    assert len(found) == 2


def test_what_was_written_is_what_is_loaded(model_folder):
    model = load_weights(read_model(model_folder))
    expected = untrained_model().state_dict()
    assert model.state_dict().keys() == expected.keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_loading_draws_no_random_numbers(model_folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_weights(read_model(model_folder))
    assert torch.equal(torch.rand(3), expected)


def test_texts_may_be_any_iterable_but_a_text(model_folder):
    translator = Translator.load(model_folder, device="cpu")
    texts = ["ralo teku minaro.", "", "pav"]
    assert translator.translate(text for text in texts) == translator.translate(texts)
    for call in (translator.translate, lambda text: translator.translate_n_best(text, 2)):
        with pytest.raises(ConfigError, match=r"`texts` must be a list .* found one text: 'pav'"):
            call("pav")


def test_a_loaded_translator_is_the_search_over_the_model(model_folder):
    translator = Translator.load(model_folder, device="cpu")
    loaded = LoadedModel(
        TorchEngine(untrained_model(), CPU),
        *load_tokenizers(read_model(model_folder)),
        DecodingConfig(beam_size=3, max_length=12, batch_size=4),
        20,
        "en",
    )
    in_memory = open_translator(TranslationRequest(loaded=loaded))
    texts = [
        "ralo teku minaro.",
        "",
        "pav",
        "sef sef dolu erin kostu.",
        "ein café \u2028 \U0001f600",
    ]
    found = translator.translate(texts)
    assert found == in_memory.translate(texts)
    assert found[1] == ""
    assert len(set(found)) > 2
    (best, second) = translator.translate_n_best(texts[:1], 2)[0]
    assert best.text == found[0]
    assert best.score >= second.score


def test_bf16_is_close_to_fp32(model_folder):
    sentences = random_sentences(6)
    options = SearchOptions(
        beam_size=1, num_hypotheses=1, normalization="average", length_penalty=1.0
    )
    bundle = read_model(model_folder)
    exact = load_ensemble([bundle], device="cpu", precision="fp32", threads=None)
    rough = load_ensemble([bundle], device="cpu", precision="bf16", threads=None)
    a = [h[0].log_prob for h in translate(exact, sentences, [1] * 6, options)]
    b = [h[0].log_prob for h in translate(rough, sentences, [1] * 6, options)]
    assert a != b
    np.testing.assert_allclose(a, b, atol=0.1)


def test_threads(model_folder):
    before = torch.get_num_threads()
    try:
        Translator.load(model_folder, device="cpu", threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    with pytest.raises(ConfigError, match="`threads` must be at least 1, found `0`"):
        Translator.load(model_folder, device="cpu", threads=0)


def test_an_engine_that_is_none(model_folder):
    with pytest.raises(ConfigError, match="one of `auto`, `torch`, `ctranslate2`, found `fairy`"):
        Translator.load(model_folder, engine="fairy")


def test_too_little_memory_is_the_users(monkeypatch):
    def fail(*args):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch_engine, "beam_search", fail)
    model = untrained_model().train()
    with pytest.raises(DeviceError) as info:
        translate(TorchEngine(model, CPU), [[5], [6]], [4, 4], OPTIONS)
    assert str(info.value) == (
        "cpu has too little memory for 2 sentences with a beam of 3\n"
        "hint: use a smaller `batch_size`"
    )
    assert model.training


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("drop", "lacks `shared_embed.weight`, which `model.json` asks for"),
        ("add", "has `extra`, which `model.json` does not ask for"),
        ("reshape", "stores `shared_embed.weight` as [3, 4], but `model.json` asks for [300, 16]"),
    ],
)
def test_weights_of_another_architecture(model_folder, change, sentence):
    path = model_folder / "model.safetensors"
    weights = load_file(path)
    if change == "drop":
        del weights["shared_embed.weight"]
    elif change == "add":
        weights["extra"] = np.zeros(2, np.float32)
    else:
        weights["shared_embed.weight"] = np.zeros((3, 4), np.float32)
    save_file(weights, path)
    manifest = json.loads((model_folder / "MANIFEST.json").read_text("utf-8"))
    manifest["files"][path.name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    (model_folder / "MANIFEST.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ModelFolderError) as info:
        Translator.load(model_folder)
    assert str(info.value) == f"{path} {sentence}"
