"""One way from a request to a translator, and what is told before anything is loaded."""

from dataclasses import replace

import pytest

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import Sampling
from mtcli.engines.choice import EngineOptions
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.interchange.export import export
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.request import TranslationRequest, open_scorer, open_translator, prepare
from mtcli.translating.scoring import PairScorer
from mtcli.translating.translator import Translator
from tests.support.fakes import FakeEngine, ToyTokenizer
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("request")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    return folder / "model"


def loaded(engine=None, **generation):
    tokenizer = ToyTokenizer()
    config = DecodingConfig(**generation)
    return LoadedModel(engine or FakeEngine(), tokenizer, tokenizer, config, 40, "en")


def test_a_request_says_what_differs_from_the_model(model):
    request = TranslationRequest(
        models=(model,),
        overrides={"beam_size": 7, "batch_size": 2, "max_length": None},
        num_hypotheses=6,
        no_repeat_ngram=2,
        retries=False,
    )
    options = prepare(request).options
    assert (options.search.beam_size, options.batch_size, options.search.max_length) == (7, 2, 12)
    assert (options.search.num_hypotheses, options.search.no_repeat_ngram) == (6, 2)
    assert not options.retries
    alone = prepare(TranslationRequest(models=(model,))).options
    assert (alone.search.beam_size, alone.batch_size, alone.retries) == (3, 4, True)


def test_a_model_in_memory_translates_as_its_config_says():
    engine = FakeEngine()
    translator = open_translator(TranslationRequest(loaded=loaded(engine, beam_size=2)))
    assert translator.translate(["abc"]) == ["abc"]
    assert engine.calls[0][2].beam_size == 2


def test_folders_and_a_scorer_of_them(model):
    request = TranslationRequest(models=(model, model), engine=EngineOptions(device="cpu"))
    prepared = prepare(request)
    assert [bundle.path for bundle in prepared.bundles] == [model, model]
    assert prepared.choice == (None, "")
    assert len(prepared.open().translate(["sef"])) == 1
    (score,) = open_scorer(request).score([("sef", "pav")])
    assert score.log_prob < 0


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"overrides": {"beam_size": 0}}, ConfigError, "`beam_size` must be a whole number, at l"),
        (
            {"overrides": {"batch_size": 0}},
            ConfigError,
            "`batch_size` must be a whole number, at l",
        ),
        ({"num_hypotheses": 4}, ConfigError, "`n_best` is 4, but a beam of 3 finds at most 3"),
        ({"engine": EngineOptions("ctranslate2")}, ModelFolderError, "has no CTranslate2 export"),
        ({"checkpoint": "last"}, ModelFolderError, "is a model folder"),
    ],
)
def test_mistakes_are_told_before_the_model_is_loaded(model, changes, kind, sentence):
    with pytest.raises(kind, match=sentence):
        prepare(TranslationRequest(models=(model,), **changes))


def test_samples_may_be_more_than_the_beam_is_wide():
    request = TranslationRequest(loaded=loaded(beam_size=1), num_hypotheses=9, sampling=Sampling())
    assert prepare(request).options.search.num_hypotheses == 9


def test_a_translator_scores_and_aligns_pairs_as_the_scorer_and_translations_do(model):
    request = TranslationRequest(models=(model,), engine=EngineOptions("torch", "cpu"))
    translator = open_translator(request)
    assert repr(translator) == f"Translator({model}, beam_size=3)"
    pairs = [("sef pav", "pav sef"), ("", ""), ("sef", "pav " * 3000)]
    assert translator.score(pairs) == open_scorer(request).score(pairs)
    links, of_nothing, too_long = translator.align(pairs)
    assert {link[1] for link in links} == {0, 1}
    assert of_nothing == ()
    assert too_long is None
    with_links = replace(translator.options, has_alignments=True)
    (answer,) = translator.begin(["sef pav"], with_links).result()
    assert translator.align([("sef pav", answer.translations[0].text)]) == [
        answer.translations[0].alignment
    ]
    for ask in (translator.score, translator.align):
        with pytest.raises(TypeError, match="pairs must be pairs of source and target text"):
            ask(["ab"])


def test_a_translator_of_an_export_scores_by_torch(model):
    export(model, sources=["sef pav"], threshold=0.0)
    translator = Translator.load(model, device="cpu", engine="ctranslate2")
    pairs = [("sef pav", "pav sef")]
    assert translator.score(pairs) == PairScorer.load(model, device="cpu").score(pairs)
    assert translator.align(pairs)[0]
