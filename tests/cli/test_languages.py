"""`--src-lang` and `--tgt-lang`, of models that know several languages."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from mtcli import Translator
from mtcli.bundle.languages import with_languages
from mtcli.bundle.model_folder import read_model
from mtcli.cli.app import app
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.errors import ConfigError
from mtcli.explaining.explainer import Explainer
from mtcli.explaining.lines import NamedLines
from mtcli.interchange.huggingface import verification
from mtcli.translating.options import TranslateOptions
from mtcli.translating.scoring import PairScorer
from tests.support.foreign import write_foreign, write_foreign_m2m100

TEXT = "ba ko tir\n\nko ba\n"


def mtcli(*arguments, text=None):
    return CliRunner().invoke(app, list(map(str, arguments)), input=text)


def import_made(folder, write, *options, **changes):
    write(folder / "original", **changes)
    model = folder / "model"
    result = mtcli("import", folder / "original", "-o", model, *options)
    assert result.exit_code == 0, result.output
    return model


@pytest.fixture(scope="module")
def m2m100(tmp_path_factory):
    folder = tmp_path_factory.mktemp("m2m100")
    return import_made(folder, write_foreign_m2m100, max_length=12)


@pytest.fixture(scope="module")
def opus(tmp_path_factory):
    return import_made(tmp_path_factory.mktemp("opus"), write_foreign, tags=("deu", "fra"))


def translated(model, *options):
    result = mtcli("translate", "-m", model, "-q", "--no-retry", *options, text=TEXT)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_languages_choose_the_tags(m2m100):
    german = translated(m2m100, "--src-lang", "en", "--tgt-lang", "de")
    assert german.count("\n") == 3
    assert german.splitlines()[1] == ""
    assert "__" not in german
    others = [("en", "fr"), ("zu", "de"), ("zu", "fr")]
    texts = [translated(m2m100, "--src-lang", src, "--tgt-lang", tgt) for src, tgt in others]
    assert len({german, *texts}) == 4
    loaded = Translator.load(m2m100, src_lang="eng", tgt_lang="ger")
    (best,) = loaded.translate_n_best(["ko ba"], 1)
    assert best[0].text == german.splitlines()[2]


def test_a_word_before_the_source_is_chosen_too(opus):
    german, french = (translated(opus, "--tgt-lang", lang) for lang in ("de", "fr"))
    assert german != french
    assert ">>" not in german + french


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "translates from 100 languages, and none is chosen: `af`, `am`, `ar`"),
        (("--src-lang", "en"), "translates into 100 languages, and none is chosen"),
        (("--src-lang", "en", "--tgt-lang", "zuu"), "hint: did you mean `zu`?"),
        (("--src-lang", "english", "--tgt-lang", "de"), "does not translate from `english`"),
    ],
)
@pytest.mark.parametrize("command", ["translate", "score", "eval"])
def test_languages_must_be_chosen_and_known(m2m100, tmp_path, command, options, told):
    file = tmp_path / "lines.txt"
    file.write_text("ba\n", "utf-8")
    files = {"translate": (), "score": ("--src", file, "--tgt", file),
             "eval": ("--src", file, "--ref", file)}[command]  # fmt: skip
    result = mtcli(command, "-m", m2m100, *files, *options, text="ba\n")
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert len(result.stderr.splitlines()) <= 3


def test_a_default_is_chosen_when_the_model_is_imported(tmp_path):
    model = import_made(
        tmp_path, write_foreign_m2m100, "--src-lang", "en", "--tgt-lang", "de", nllb=True
    )
    card = read_model(model).card
    assert (card.src_lang, card.tgt_lang) == ("eng_Latn", "deu_Latn")
    by_default = translated(model)
    assert by_default == translated(model, "--src-lang", "en", "--tgt-lang", "de")
    assert by_default != translated(model, "--tgt-lang", "zh-Hans")
    readme = (model / "README.md").read_text("utf-8")
    assert "5 languages" in readme


def test_eval_and_score_put_the_tags_too(m2m100, tmp_path):
    src, ref = tmp_path / "src.txt", tmp_path / "ref.txt"
    src.write_text("ba ko tir\n", "utf-8")
    ref.write_text("KO TIR BA\n", "utf-8")
    languages = ("--src-lang", "en", "--tgt-lang", "de")
    result = mtcli(
        "eval", "-m", m2m100, "--src", src, "--ref", ref, "--json", *languages,
        "--output", tmp_path / "out.txt",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)
    scores = [
        float(mtcli("score", "-m", m2m100, "--src", src, "--tgt", ref, "-q", *pair).stdout)
        for pair in (languages, ("--src-lang", "en", "--tgt-lang", "fr"))
    ]
    assert scores[0] != scores[1]
    scorer = PairScorer.load(m2m100, src_lang="en", tgt_lang="de")
    (score,) = scorer.score([("ba ko tir", "KO TIR BA")])
    assert score.log_prob == pytest.approx(scores[0], abs=1e-3)


def test_an_export_takes_the_languages_too(m2m100, tmp_path):
    export = tmp_path / "export"
    result = mtcli(
        "export", "-m", m2m100, "--to", "ctranslate2", "--quantize", "float32", "--output", export
    )
    assert result.exit_code == 0, result.output
    languages = ("--src-lang", "en", "--tgt-lang", "de")
    assert translated(export, *languages) == translated(m2m100, *languages, "--engine", "torch")
    result = mtcli("translate", "-m", export, text=TEXT)
    assert result.exit_code == 2
    assert "translates from 100 languages, and none is chosen" in result.stderr
    translator = Translator.load(export, src_lang="en", tgt_lang="zu")
    assert isinstance(translator._model.engine, CTranslate2Engine)


def test_explain_shows_tags_and_explains_what_follows_them(m2m100):
    model = read_model(m2m100)
    options = TranslateOptions.of_model(model.generation)
    with pytest.raises(ConfigError, match="translates from 100 languages, and none is chosen"):
        Explainer(model, options)
    chosen = replace(model, card=with_languages(m2m100, model.card, "en", "de"))
    pair = NamedLines("src", ["ba ko tir"]), NamedLines("tgt", ["KO TIR"])
    (explained,) = Explainer(chosen, options).explain(*pair)
    assert explained.source_pieces[0] == "__en__"
    assert explained.start_piece == "</s> __de__"
    assert explained.source_words[0].first_piece == 1
    # probabilities are those of `mtcli score`, contributions those of words and not of tags
    (score,) = PairScorer.load(m2m100, src_lang="en", tgt_lang="de").score(
        [("ba ko tir", "KO TIR")]
    )
    probabilities = [output.probability for output in explained.output_pieces]
    assert np.log(probabilities) == pytest.approx(score.log_probs, abs=1e-4)
    S, T = len(explained.source_pieces), len(explained.output_pieces)
    assert np.shape(explained.contributions) == (T, 3)
    for stack, shape in zip(explained.stacks, [(S, S), (T, T), (T, S)], strict=True):
        for head in [head for layer in stack.layers for head in layer]:
            assert np.shape(head.weights) == shape, stack.kind
            np.testing.assert_allclose(np.sum(head.weights, axis=1), 1, atol=1e-5)


def test_explain_takes_the_languages(m2m100, tmp_path):
    lines, page = tmp_path / "lines.txt", tmp_path / "page.html"
    lines.write_text("ba ko tir\n", "utf-8")
    languages = ("--src-lang", "en", "--tgt-lang", "fr")
    result = mtcli("explain", "-m", m2m100, "-i", lines, "--html", page, *languages)
    assert result.exit_code == 0, result.output
    assert "__fr__" in page.read_text("utf-8")
    assert mtcli("explain", "-m", m2m100, "-i", lines, "--html", page).exit_code == 2


def test_an_export_to_hugging_face_keeps_them(opus, tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "find_spec", lambda _: None)
    result = mtcli("export", "-m", opus, "--to", "huggingface", "--output", tmp_path / "export")
    assert result.exit_code == 0, result.output
    assert mtcli("import", tmp_path / "export", "-o", tmp_path / "again").exit_code == 0
    before, after = read_model(opus).card, read_model(tmp_path / "again").card
    assert set(after.languages.tgt) == set(before.languages.tgt)
