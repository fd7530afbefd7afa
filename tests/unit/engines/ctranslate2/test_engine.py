"""The CTranslate2 engine answers as the torch engine does."""

import builtins
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mtcli.decoding.options import Sampling, SearchOptions
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.engines.protocol import EngineBatch
from mtcli.engines.torch import TorchEngine
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.tokenizer.protocol import UNK_ID
from tests.support.engines import translate
from tests.support.exports import VOCAB_SIZE, engine_of, exported
from tests.support.models import VARIANTS, searched_model

SEARCHES = [
    SearchOptions(beam_size=1),
    SearchOptions(beam_size=1, normalization="gnmt", length_penalty=0.7),
    SearchOptions(beam_size=1, normalization="none"),
    SearchOptions(
        beam_size=1,
        num_hypotheses=1,
        normalization="average",
        length_penalty=1.0,
        no_repeat_ngram=2,
    ),
    SearchOptions(
        beam_size=1,
        num_hypotheses=1,
        normalization="average",
        length_penalty=1.0,
        no_repeat_ngram=1,
    ),
    SearchOptions(beam_size=4, num_hypotheses=4),
    SearchOptions(beam_size=5, length_penalty=0.6),
    SearchOptions(beam_size=3, num_hypotheses=2, length_penalty=2.0),
]


def torch_engine(model):
    return TorchEngine(model, torch.device("cpu"))


def sentences(num=24, seed=0):
    """Sources, and limits of which some are reached and some are not."""
    draw = np.random.default_rng(seed)
    src = [draw.integers(4, VOCAB_SIZE, size=n).tolist() for n in draw.integers(1, 20, size=num)]
    return src, [int(n) for n in draw.integers(1, 25, size=num)]


def check_equal(found, expected):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert [h.token_ids for h in ours] == [h.token_ids for h in theirs]
        assert [h.is_complete for h in ours] == [h.is_complete for h in theirs]
        for a, b in zip(ours, theirs, strict=True):
            assert a.log_prob == pytest.approx(b.log_prob, abs=1e-4)
            assert a.score == pytest.approx(b.score, abs=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_search_on_every_architecture(variant, tmp_path):
    model = searched_model(variant)
    engine = engine_of(exported(model, tmp_path / "export"))
    src, limits = sentences()
    for options in SEARCHES:
        expected = translate(torch_engine(model), src, limits, options)
        check_equal(translate(engine, src, limits, options), expected)


def test_the_test_models_end_and_are_cut(tmp_path):
    """Else the test above would compare one kind of hypothesis only."""
    complete = [
        hypothesis.is_complete
        for variant in VARIANTS
        for of_sentence in translate(
            torch_engine(searched_model(variant)), *sentences(), SEARCHES[5]
        )
        for hypothesis in of_sentence
    ]
    assert 0.1 < sum(complete) / len(complete) < 0.9


@pytest.mark.parametrize("place", [0, 3, 5], ids=["greedy", "blocked", "beam"])
def test_without_scores_the_same_is_found(tmp_path, place):
    options = SEARCHES[place]
    engine = engine_of(exported(searched_model("pre-norm"), tmp_path / "export"))
    want = translate(engine, *sentences(), options)
    got = translate(engine, *sentences(), replace(options, with_scores=False))
    assert [[(h.token_ids, h.is_complete) for h in one] for one in got] == [
        [(h.token_ids, h.is_complete) for h in one] for one in want
    ]
    are_scored = [not math.isnan(h.log_prob) for one in got for h in one]
    assert are_scored == [options.beam_size > 1] * len(are_scored)


def test_batches_beside_each_other(tmp_path):
    model = searched_model("rotary grouped")
    engine = engine_of(exported(model, tmp_path / "export"), inter_threads=2)
    batches = [EngineBatch(*sentences(num, seed=num)) for num in range(1, 12)]
    found = engine.begin(batches, SEARCHES[5]).result()
    for batch, answers in zip(batches, found, strict=True):
        check_equal(answers, translate(torch_engine(model), *batch[:2], SEARCHES[5]))
    assert translate(engine, [], [], SEARCHES[5]) == []


@pytest.mark.parametrize("options", [SEARCHES[0], SEARCHES[3]])
def test_forbidden_pieces_are_not_chosen_and_probabilities_are_not_renormalised(options, tmp_path):
    model = searched_model("untied unscaled")
    with torch.no_grad():
        model.output_weight_VD[UNK_ID] = model.output_weight_VD[21]  # as likely as one of the best
    engine = engine_of(exported(model, tmp_path / "export"))
    src, limits = sentences()
    found = translate(engine, src, limits, options)
    ids = {i for of_sentence in found for hypothesis in of_sentence for i in hypothesis.token_ids}
    assert 21 in ids
    assert not ids & {0, 1, 2}
    expected = translate(torch_engine(model), src, limits, options)
    if options.beam_size == 1:
        check_equal(found, expected)
    # a beam that takes probabilities as they were left may rank otherwise; what it reports is true
    theirs = {(i, h.token_ids): h for i, of_one in enumerate(expected) for h in of_one}
    both = [
        (h, theirs[i, h.token_ids])
        for i, of_one in enumerate(found)
        for h in of_one
        if (i, h.token_ids) in theirs
    ]
    assert len(both) > len(src) / 2
    for a, b in both:
        assert a.log_prob == pytest.approx(b.log_prob, abs=1e-4)
        assert a.score == pytest.approx(b.score, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        ({"normalization": "gnmt"}, "normalization gnmt with length_penalty 1 under a beam"),
        ({"length_penalty": 0.0}, "normalization average with length_penalty 0 under a beam"),
        ({"no_repeat_ngram": 3}, "no_repeat_ngram 3 under a beam"),
        ({"repetition_penalty": 1.5}, "repetition_penalty 1.5"),
        ({"sampling": Sampling(seed=1)}, "sampling"),
        ({"stop": "optimal"}, "the stopping rule optimal"),
    ],
)
def test_a_search_that_it_cannot_do(change, obstacle, tmp_path):
    engine = engine_of(exported(searched_model("pre-norm"), tmp_path / "export"))
    options = replace(
        SearchOptions(beam_size=4),
        **change,
    )
    with pytest.raises(ConfigError) as info:
        translate(engine, [[5]], [4], options)
    assert str(info.value) == (
        f"engine ctranslate2 does not support {obstacle}\nhint: use engine torch"
    )


def test_it_cannot_continue_prefixes(tmp_path):
    engine = engine_of(exported(searched_model("pre-norm"), tmp_path / "export"))
    with pytest.raises(ConfigError) as info:
        translate(engine, [[5]], [4], SEARCHES[5], [[5]])
    assert str(info.value) == (
        "engine ctranslate2 does not support prefixes\nhint: use engine torch"
    )


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(ModelFolderError, match="CTranslate2 cannot load "):
        CTranslate2Engine(tmp_path, max_positions=9, inter_threads=1, intra_threads=1)


def test_the_package_is_missing(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "ctranslate2":
            raise ModuleNotFoundError(name=name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as info:
        CTranslate2Engine(tmp_path, max_positions=9, inter_threads=1, intra_threads=1)
    assert str(info.value) == (
        "engine ctranslate2 cannot run: the package `ctranslate2` is not installed\n"
        "hint: pip install 'ctranslate2>=4.7.1,<5'"
    )
