"""What the torch engine does with prefixes, samples, constraints, ensembles and attention."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from mtcli.bundle.model_folder import read_model
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import Sampling, SearchOptions
from mtcli.engines import torch as torch_engine
from mtcli.engines.ensemble import check_ensemble
from mtcli.engines.protocol import PairEngine
from mtcli.engines.torch import TorchEngine, key_of
from mtcli.engines.torch_loading import load_ensemble
from mtcli.errors import ConfigError, DeviceError, ModelFolderError
from mtcli.translating.alignment import attention_of_pairs
from mtcli.translating.loaded_model import load_tokenizers
from mtcli.translating.options import TranslateOptions
from tests.support.engines import translate
from tests.support.model_folder import untrained_model, write_tiny_model
from tests.support.tokenizers import WORDS_VOCAB_SIZE, train_on_words

CPU = torch.device("cpu")
OPTIONS = SearchOptions(beam_size=3, num_hypotheses=2, normalization="average", length_penalty=1.0)
PREFIXES = ((9, 1, 9), (), (7,), (8,) * 5, (), (5, 6))


def sentences(number=6, seed=1):
    generator = random.Random(seed)
    lengths = [generator.randrange(1, 15) for _ in range(number)]
    return [[generator.randrange(4, WORDS_VOCAB_SIZE) for _ in range(n)] for n in lengths]


@pytest.fixture(scope="module")
def engine() -> PairEngine:
    return TorchEngine(untrained_model().double().eval(), CPU)


@pytest.mark.parametrize(
    ("changes", "prefix_ids"),
    [
        ({}, PREFIXES),
        ({"no_repeat_ngram": 2}, ()),
        ({"repetition_penalty": 1.3}, ()),
        ({"sampling": Sampling(seed=4)}, ()),
        ({"sampling": Sampling(seed=4, top_k=9, top_p=0.8)}, ()),
        ({"no_repeat_ngram": 2, "sampling": Sampling(seed=4)}, PREFIXES),
    ],
)
def test_a_batch_is_as_one_by_one(engine, changes, prefix_ids):
    options, src = replace(OPTIONS, **changes), sentences()
    together = translate(engine, src, [12] * 6, options, prefix_ids)
    assert together != translate(engine, src, [12] * 6, OPTIONS)
    for row, found in enumerate(together):
        (alone,) = translate(engine, [src[row]], [12], options, prefix_ids[row : row + 1])
        assert [h.token_ids for h in alone] == [h.token_ids for h in found]
        assert [h.log_prob for h in alone] == pytest.approx([h.log_prob for h in found], abs=1e-9)
        assert [h.score for h in alone] == pytest.approx([h.score for h in found], abs=1e-9)


def test_a_prefix_is_continued_whatever_it_holds(engine):
    found = translate(engine, sentences(), [12] * 6, replace(OPTIONS, no_repeat_ngram=1), PREFIXES)
    for prefix, hypotheses in zip(PREFIXES, found, strict=True):
        for hypothesis in hypotheses:
            assert hypothesis.token_ids[: len(prefix)] == prefix
            new = hypothesis.token_ids[len(prefix) :]
            assert set(new).isdisjoint({0, 1, 2, 3, *prefix})
            assert len(set(new)) == len(new)


def test_samples_are_as_many_as_asked_whatever_the_beam(engine):
    options = replace(OPTIONS, beam_size=1, num_hypotheses=5, sampling=Sampling(seed=1))
    src = sentences()
    found = translate(engine, [*src, src[0]], [12] * 7, options)
    assert all(len(samples) == 5 for samples in found)
    assert len({h.token_ids for h in found[0]}) > 1
    # equal sources have equal samples
    assert [h.token_ids for h in found[0]] == [h.token_ids for h in found[6]]
    assert all({0, 1, 2, 3}.isdisjoint(h.token_ids) for samples in found for h in samples)


def test_keys_are_the_same_in_any_process():
    assert key_of([5, 9, 300]) == -18634658207287430
    assert key_of([]) != key_of([0]) != key_of([0, 0])


def test_a_penalised_search_reports_what_the_model_says(engine):
    src = sentences()
    options = replace(OPTIONS, repetition_penalty=2.0)
    for ids, found in zip(src, translate(engine, src, [12] * 6, options), strict=True):
        for h in found:
            (said,) = engine.score([ids], [h.token_ids])
            want = sum(said) if h.is_complete else sum(said[:-1])
            assert h.log_prob == pytest.approx(want, abs=1e-9)
            length = len(h.token_ids) + h.is_complete
            assert h.score <= want / length + 1e-9  # the penalty is in the score


def test_attention_is_of_the_pieces_alone(engine):
    src, tgt = sentences(), sentences(seed=2)
    found = engine.attention(src, tgt)
    for array, src_ids, tgt_ids in zip(found, src, tgt, strict=True):
        assert array.shape == (len(tgt_ids), len(src_ids))
        assert (array >= 0).all()
        assert (array.sum(axis=1) < 1 + 1e-6).all()
        (alone,) = engine.attention([src_ids], [tgt_ids])
        np.testing.assert_allclose(array, alone, atol=1e-7)
    # the rest is the attention to EOS
    assert min(float(array.sum(axis=1).min()) for array in found) < 0.99
    heads = [engine.attention(src, tgt, 0, [h]) for h in (0, 1)]
    for both, first, second in zip(found, *heads, strict=True):
        np.testing.assert_allclose(both, (first + second) / 2, atol=1e-7)
    assert not np.allclose(found[0], engine.attention(src, tgt, 1)[0])
    assert engine.attention([], []) == []
    (empty,) = engine.attention([[5, 6]], [[]])
    assert empty.shape == (0, 2)


def test_attention_of_many_pairs_is_that_of_each(engine):
    src, tgt = sentences(9), sentences(9, seed=2)
    generation = DecodingConfig(batch_size=2, alignment_layer=1, alignment_heads=[1])
    options = TranslateOptions.of_model(generation)
    found = attention_of_pairs(engine, list(zip(src, tgt, strict=True)), options)
    for array, src_ids, tgt_ids in zip(found, src, tgt, strict=True):
        (alone,) = engine.attention([src_ids], [tgt_ids], 1, [1])
        np.testing.assert_allclose(array, alone, atol=1e-7)


def test_options_that_make_no_sense_are_refused_before_an_engine_is_there():
    with pytest.raises(ConfigError, match="`no_repeat_ngram` must be at least 0, found `-2`"):
        replace(OPTIONS, no_repeat_ngram=-2)
    with pytest.raises(
        ConfigError, match=r"`repetition_penalty` must be a number above 0, found `0`"
    ):
        replace(OPTIONS, repetition_penalty=0)


def test_layers_and_heads_that_are_not_there(engine):
    with pytest.raises(ConfigError) as caught:
        engine.attention([[5]], [[5]], 2)
    assert str(caught.value) == (
        "`alignment_layer` must be between 0 and 1, because the model has 2 decoder layers; found 2"
    )
    with pytest.raises(ConfigError) as caught:
        engine.attention([[5]], [[5]], None, [0, 2])
    assert str(caught.value) == (
        "`alignment_heads` must be between 0 and 1, because the model has 2 heads; found 2"
    )


def test_the_longest_pair_is_taken(engine):
    longest = [7] * (engine.max_positions - 1)
    (said,) = engine.score([longest], [longest])
    assert len(said) == engine.max_positions
    assert engine.attention([longest], [[*longest, 7]])[0].shape == (40, 39)


def test_an_empty_side_has_a_finite_score(engine):
    for pair in (([], []), ([], [5, 6]), ([5, 6], [])):
        (said,) = engine.score([pair[0]], [pair[1]])
        assert len(said) == len(pair[1]) + 1
        assert np.isfinite(said).all()
    assert engine.score([], []) == []


def test_too_little_memory_for_pairs_is_the_users(engine, monkeypatch):
    def fail(*args):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch_engine, "forced_log_probs", fail)
    with pytest.raises(DeviceError) as caught:
        engine.score([[5], [6]], [[4], [4]])
    assert str(caught.value) == (
        "cpu has too little memory for 2 pairs\nhint: use a smaller `batch_size`"
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two models of one tokenizer, and one of another."""
    folder = tmp_path_factory.mktemp("models")
    train_on_words(folder / "tokenizer.model")
    (folder / "other.model").write_bytes((folder / "tokenizer.model").read_bytes() + b"\x9a\x06\0")
    write_tiny_model(folder / "a", folder / "tokenizer.model", 1)
    write_tiny_model(folder / "b", folder / "tokenizer.model", 2)
    write_tiny_model(folder / "c", folder / "other.model", 3)
    return folder


def test_an_ensemble_of_a_model_with_itself_is_the_model(folders):
    bundle, src = read_model(folders / "a"), sentences()
    how = {"device": "cpu", "precision": "fp32", "threads": None}
    alone = translate(load_ensemble([bundle], **how), src, [12] * 6, OPTIONS)
    twice = translate(load_ensemble([bundle, bundle], **how), src, [12] * 6, OPTIONS)
    assert [h[0].token_ids for h in twice] == [h[0].token_ids for h in alone]
    with_b = load_ensemble([bundle, read_model(folders / "b")], **how)
    assert [h[0].token_ids for h in translate(with_b, src, [12] * 6, OPTIONS)] != [
        h[0].token_ids for h in alone
    ]


@pytest.mark.parametrize(
    ("langs", "message"),
    [
        (
            ("de", "en"),
            "{} and {} cannot form an ensemble: one translates en-de, the other de-en\n"
            "hint: give models of one language pair",
        ),
        (("EN_GB", "de-AT"), None),
    ],
)
def test_models_of_other_languages_are_refused(folders, langs, message):
    one = read_model(folders / "a")
    one = replace(one, card=replace(one.card, src_lang="en", tgt_lang="de"))
    other = replace(one, card=replace(one.card, src_lang=langs[0], tgt_lang=langs[1]))
    if message is None:
        check_ensemble([one, other])
        return
    with pytest.raises(ModelFolderError) as caught:
        check_ensemble([one, other])
    assert str(caught.value) == message.format(one.path, other.path)


def test_models_whose_decoders_start_differently_are_refused(folders):
    one = read_model(folders / "a")
    architecture = replace(one.card.architecture, target_start="pad")
    other = replace(one, card=replace(one.card, architecture=architecture))
    with pytest.raises(ModelFolderError) as caught:
        check_ensemble([one, other])
    assert str(caught.value) == (
        f"{one.path} and {one.path} cannot form an ensemble: `target_start` is `bos` in one and"
        " `pad` in the other"
    )


def test_models_of_different_vocabularies_are_refused(folders):
    bundles = [read_model(folders / name) for name in "abc"]
    check_ensemble(bundles[:2])
    with pytest.raises(ModelFolderError) as caught:
        load_ensemble(bundles, device="cpu", precision="fp32", threads=None)
    assert str(caught.value) == (
        f"{folders / 'a'} and {folders / 'c'} cannot form an ensemble: they do not share"
        " a vocabulary (tokenizer.model and tokenizer.model differ)\n"
        "hint: train the models of an ensemble with the same tokenizer"
    )


def test_one_tokenizer_for_both_sides_is_read_once(folders):
    src, tgt = load_tokenizers(read_model(folders / "a"))
    assert src.model is tgt.model
    assert (src.normalization, tgt.normalization) == ("nmt_nfkc", "nfc")
    assert src.vocab_size == WORDS_VOCAB_SIZE


def with_sizes(bundle, size):
    """The bundle with a card that says another number of pieces."""
    return replace(bundle, card=replace(bundle.card, src_vocab_size=size, tgt_vocab_size=size))


def test_a_tokenizer_of_another_size_is_refused(folders):
    """Its ids would be read beyond the end of the embeddings."""
    with pytest.raises(ModelFolderError) as caught:
        load_tokenizers(with_sizes(read_model(folders / "a"), WORDS_VOCAB_SIZE - 1))
    assert str(caught.value) == (
        f"{folders / 'a/tokenizer.model'} has {WORDS_VOCAB_SIZE} pieces, but `model.json` says"
        f" {WORDS_VOCAB_SIZE - 1}"
    )


def test_models_of_other_sizes_do_not_form_an_ensemble(folders):
    bundles = [read_model(folders / "a"), with_sizes(read_model(folders / "b"), 299)]
    with pytest.raises(ModelFolderError, match="they do not share a vocabulary"):
        check_ensemble(bundles)


@pytest.mark.parametrize(
    "changes", [{}, {"no_repeat_ngram": 2}, {"num_hypotheses": 2, "beam_size": 2}]
)
def test_without_scores_the_same_is_found(engine, changes):
    options = replace(OPTIONS, **{"beam_size": 1, "num_hypotheses": 1, **changes})
    src = sentences()
    want = translate(engine, src, [12] * 6, options)
    got = translate(engine, src, [12] * 6, replace(options, with_scores=False))
    assert [[h.token_ids for h in one] for one in got] == [
        [h.token_ids for h in one] for one in want
    ]
    is_free = options.beam_size == 1 and not options.no_repeat_ngram
    assert all(np.isnan(h.score) == is_free for one in got for h in one)
