"""`training.init_from`: weights and tokenizer of another model, or a sentence why not."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

from mtcli.bundle.model_folder import read_model
from mtcli.config.dump import plain_values
from mtcli.config.load import load_config
from mtcli.errors import CheckpointError, ConfigError, ModelFolderError
from mtcli.interchange.foreign import Languages
from mtcli.interchange.importing import import_model
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.training.setup import train
from mtcli.translating.scoring import PairScorer
from tests.support.foreign import write_foreign, write_foreign_m2m100
from tests.support.small_run import write_run
from tests.support.tokenizers import WORDS, train_on_words


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(load_config(write_run(folder), working_dir=folder))
    return folder / "run"


def tune(folder, trained, *overrides):
    path = write_run(folder)
    options = [f"training.init_from={trained}", "training.max_steps=1", "validation.every_steps=1"]
    train(load_config(path, [*options, *overrides], working_dir=folder))
    return folder / "run"


def distance(run, other):
    one, two = (
        load_file(run / "best/model.safetensors"),
        load_file(other / "best/model.safetensors"),
    )
    return {name: np.abs(one[name] - two[name]).max() for name in one}


def test_it_starts_from_the_weights_and_keeps_the_tokenizer(trained, tmp_path):
    # the first update moves each weight by at most the learning rate, here 1e-9
    run = tune(tmp_path, trained, "optim.lr=1e-9")
    assert max(distance(run, trained).values()) < 1e-7
    name = "best/tokenizer.model"
    assert (run / name).read_bytes() == (trained / name).read_bytes()


def test_the_log_says_what_was_taken_from_where(trained, tmp_path, caplog):
    caplog.set_level("INFO")
    tune(tmp_path, trained)
    arrays = load_file(trained / "best/model.safetensors")
    size = sum(array.size for array in arrays.values())
    best = (trained / "best").resolve()
    assert (
        f"training.init_from: starting from {best} (en-de, trained for 12 updates):"
        f" {len(arrays)} weight tensors, {size} weights, and the tokenizer"
    ) in caplog.text.replace("trained for 6 updates", "trained for 12 updates")
    assert "the optimizer and the learning-rate schedule start from the beginning" in caplog.text


def test_an_exponential_average_starts_from_the_weights_too(trained, tmp_path):
    run = tune(tmp_path, trained, "optim.lr=1e-9", "training.ema_decay=0.9")
    assert max(distance(run, trained).values()) < 1e-7


def test_what_the_model_had_seen_counts(trained, tmp_path):
    run = tune(tmp_path, trained)
    before, after = (read_model(path / "best").card.training for path in (trained, run))
    assert after.num_tgt_tokens_computed == before.num_tgt_tokens + after.num_tgt_tokens
    lines = (run / "metrics.jsonl").read_text().split("\n")[:-1]
    assert json.loads(lines[-1])["total_tgt_tokens_computed"] == after.num_tgt_tokens_computed


def test_it_goes_on_without_the_model_that_it_started_from(trained, tmp_path):
    from shutil import copytree

    copy = tmp_path / "copy"
    copytree(trained / "best", copy)
    folder = tmp_path / "new"
    folder.mkdir()
    tune(folder, copy)
    copy.rename(tmp_path / "gone")
    options = [f"training.init_from={copy}", "training.max_steps=2"]
    outcome = train(load_config(folder / "config.yaml", options, working_dir=folder))
    assert outcome.reason == "reached step 2, the last one"


def test_an_imported_model_with_two_files_and_one_vocabulary_is_tuned(tmp_path):
    write_foreign(tmp_path / "opus-mt-en-de")
    imported = import_model(tmp_path / "opus-mt-en-de", tmp_path / "imported").folder
    before = read_model(imported)
    assert before.card.architecture.tied_embeddings == "all"
    assert not before.card.shared_vocab
    model = json.dumps(plain_values(before.card.architecture))
    run = tune(
        tmp_path, imported, f"model={model}", "tokenizer.shared=false", "optim.lr=1e-9",
        "data.max_length=40",
    )  # fmt: skip
    after = read_model(run / "best")
    assert after.card.architecture == before.card.architecture
    weights = before.weights()
    assert after.weights().keys() == weights.keys()
    for name, array in after.weights().items():
        np.testing.assert_allclose(array, weights[name], atol=1e-7)
    for name in ("tokenizer.src.model", "tokenizer.tgt.model"):
        assert (run / "best" / name).read_bytes() == (imported / name).read_bytes()


def test_embeddings_of_different_pieces_are_not_tied(trained, tmp_path):
    theirs = trained / "tokenizer/tokenizer.model"
    own = tmp_path / "own.model"
    train_on_words(own)
    path = write_run(tmp_path)
    options = [f"tokenizer={{shared: false, src_model: {theirs}, tgt_model: {own}}}"]
    with pytest.raises(ConfigError) as info:
        train(load_config(path, options, working_dir=tmp_path))
    sizes = [SentencePieceTokenizer(file).vocab_size for file in (theirs, own)]
    assert info.value.sentence == (
        "`model.tied_embeddings: all` needs the same pieces on both sides, but"
        f" {theirs} has {sizes[0]} pieces and {own} has {sizes[1]}"
    )
    same_size = tmp_path / "same_size.model"
    train_on_words(same_size, [word.upper() for word in WORDS])
    options = [f"tokenizer={{shared: false, src_model: {own}, tgt_model: {same_size}}}"]
    with pytest.raises(ConfigError, match=r"but piece \d+ is `.+` in .*own.model and `.+` in "):
        train(load_config(path, ["run_dir=other", *options], working_dir=tmp_path))


def test_another_architecture_is_refused_by_the_name_of_a_weight(trained, tmp_path):
    with pytest.raises(
        ConfigError, match=r"in_proj.bias` has shape \[20\] by the `model` section, but \[24\]"
    ):
        tune(tmp_path, trained, "model.decoder_d_ff=20")


def test_another_tokenizer_is_refused_unless_it_is_wanted(trained, tmp_path, caplog):
    caplog.set_level("INFO")
    first = tmp_path / "first"
    first.mkdir()
    train(
        load_config(
            write_run(first), ["tokenizer.vocab_size=50", "training.max_steps=1"], working_dir=first
        )
    )
    other = first / "run/tokenizer/tokenizer.model"
    second, third = tmp_path / "second", tmp_path / "third"
    for folder in (second, third):
        folder.mkdir()
    with pytest.raises(
        ConfigError, match=r"(?s)is not that of .* set\s`training.init_tokenizer: any`"
    ):
        tune(second, trained, f"tokenizer.model={other}")
    run = tune(
        third, trained, f"tokenizer.model={other}", "training.init_tokenizer=any", "optim.lr=1e-9"
    )
    assert "init_tokenizer: any: shared_embed.weight start from random values" in caplog.text
    weights = load_file(run / "best/model.safetensors")
    assert weights["shared_embed.weight"].shape[0] == 50
    theirs = load_file(trained / "best/model.safetensors")
    for name in weights:
        if name != "shared_embed.weight":
            np.testing.assert_allclose(weights[name], theirs[name], atol=1e-7)


def test_two_tokenizers_do_not_fit_one(trained, tmp_path):
    with pytest.raises(
        ConfigError,
        match=r"(?s)has one tokenizer, but `tokenizer.shared` asks for two\nhint: .*shared: true",
    ):
        tune(tmp_path, trained, "tokenizer.shared=false", "model.tied_embeddings=decoder")


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ModelFolderError, match="there is no such run folder or model folder"):
        tune(tmp_path, tmp_path / "nowhere")


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory):
    """An imported model whose source and target both begin with the piece of a language."""
    folder = tmp_path_factory.mktemp("multilingual")
    write_foreign_m2m100(folder / "original")
    import_model(folder / "original", folder / "model", Languages("en", "de"))
    return folder / "model"


def tune_multilingual(folder, model, *overrides):
    architecture = json.dumps(plain_values(read_model(model).card.architecture))
    options = (f"model={architecture}", "data.max_length=40", "training.precision=fp32")
    return tune(folder, model, *options, *overrides)


@pytest.mark.parametrize("tgt_lang", ["de", "fr"])
def test_a_model_of_several_languages_is_tuned_on_a_pair_of_them(multilingual, tmp_path, tgt_lang):
    run = tune_multilingual(
        tmp_path, multilingual, "optim.lr=1e-9", f"tgt_lang={tgt_lang}", "validation.metrics=[]"
    )
    tuned, before = read_model(run / "best"), read_model(multilingual)
    assert tuned.card.languages == before.card.languages
    assert (tuned.card.src_lang, tuned.card.tgt_lang) == ("en", tgt_lang)
    # what training computes of the validation pairs is what the imported model says of them
    scorer = PairScorer.load(multilingual, src_lang="en", tgt_lang=tgt_lang)
    texts = [
        (tmp_path / f"valid.{side}").read_text("utf-8").split("\n")[:-1] for side in ("en", "de")
    ]
    scores = scorer.score(list(zip(*texts, strict=True)))
    loss = -sum(sum(score.log_probs) for score in scores)
    num_tokens = sum(len(score.log_probs) for score in scores)
    (measured,) = [score.score for score in tuned.scores if score.metric == "loss"]
    assert measured == pytest.approx(loss / num_tokens, rel=1e-5)


def test_the_other_language_is_what_a_tuned_model_learns(multilingual, tmp_path):
    run = tune_multilingual(
        tmp_path,
        multilingual,
        "optim.lr=5e-3",
        "training.max_steps=60",
        "validation.every_steps=60",
    )
    losses = []
    for model in (multilingual, run / "best"):
        scorer = PairScorer.load(model, src_lang="en", tgt_lang="de")
        (score,) = scorer.score([("ba ce di", "DI CE BA")])
        losses.append(-score.log_prob)
    assert losses[1] < 0.5 * losses[0]


def test_a_tuned_model_of_several_languages_resumes_without_the_first(multilingual, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(multilingual, model)
    tune_multilingual(tmp_path, model)
    shutil.rmtree(model)
    architecture = json.dumps(plain_values(read_model(multilingual).card.architecture))
    options = [
        f"training.init_from={model}", "training.max_steps=2", "validation.every_steps=1",
        f"model={architecture}", "data.max_length=40", "training.precision=fp32",
    ]  # fmt: skip
    train(load_config(tmp_path / "config.yaml", options, working_dir=tmp_path))
    card = read_model(tmp_path / "run/best").card
    assert card.languages == read_model(multilingual).card.languages
    kept = tmp_path / "run/tokenizer/languages.json"
    kept.write_text(
        kept.read_text("utf-8").replace('"tgt_lang": "de"', '"tgt_lang": "fr"'), "utf-8"
    )
    with pytest.raises(CheckpointError, match="the languages of the model changed since then"):
        train(
            load_config(
                tmp_path / "config.yaml", [*options, "training.max_steps=3"], working_dir=tmp_path
            )
        )


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["tgt_lang=xx"], r"does not translate into `xx`"),
        (["training.init_tokenizer=any"], r"(?s)which pieces of its tokenizer name\nhint: remove"),
        (
            ["data.max_length=47"],
            r"model.max_positions \(48\) must be at least 49: data.max_len",
        ),
    ],
)
def test_what_does_not_go_with_a_model_of_several_languages(
    multilingual, tmp_path, overrides, sentence
):
    with pytest.raises(ConfigError, match=sentence):
        tune_multilingual(tmp_path, multilingual, *overrides)
