"""Which sentences and which checks a behaviour test is made of."""

import sys
from dataclasses import replace

import pytest

from mtcli.bundle.model_folder import write_model
from mtcli.config.dump import dump_config
from mtcli.config.load import load_config
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import ConfigError, DataError
from mtcli.evaluation.behaviour.suite import NAMES
from mtcli.workflows.check import Selection, built_in_cases, select_checks, sentences_for
from tests.support.model_folder import card_of, untrained_model
from tests.support.small_run import write_run
from tests.support.tokenizers import train_on_words

CARD = card_of(untrained_model())


def select(*only, skip=(), has_own_cases=False):
    return select_checks(only, skip, 5, has_own_cases=has_own_cases)


def run_folder(tmp_path, *overrides):
    """A run with a model, without any training."""
    config = load_config(write_run(tmp_path, *overrides), working_dir=tmp_path)
    model, tokenizer = untrained_model(), tmp_path / "tokenizer.model"
    train_on_words(tokenizer)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    path = tmp_path / "run" / "models" / "step_00000006"
    path.parent.mkdir(parents=True)
    write_model(path, weights, CARD, {"tokenizer.model": tokenizer}, DecodingConfig())
    (tmp_path / "run" / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return path


def test_sentences_of_the_validation(tmp_path):
    path = run_folder(tmp_path)
    valid = (tmp_path / "valid.en").read_text(encoding="utf-8").splitlines()
    assert sentences_for(path, CARD) == valid
    copied = path.rename(tmp_path / "run" / "best")  # of a copy that followed links
    assert sentences_for(copied, CARD) == valid
    alone = copied.rename(tmp_path / "alone")
    assert len(sentences_for(alone, CARD)) == 60


def test_sentences_that_are_held_out(tmp_path):
    path = run_folder(tmp_path, "data.valid=null")
    train = (tmp_path / "train.en").read_text(encoding="utf-8").splitlines()
    sentences = sentences_for(path, CARD)
    assert 0 < len(sentences) < len(train)
    assert set(sentences) <= set(train)


def test_a_validation_source_that_has_gone(tmp_path):
    path = run_folder(tmp_path)
    (tmp_path / "valid.en").unlink()
    with pytest.raises(DataError) as error:
        sentences_for(path, CARD)
    assert str(error.value) == (
        f"the sentences that {tmp_path / 'run'} validates on cannot be read:"
        f" {tmp_path / 'valid.en'} does not exist\n"
        "hint: give sentences of the source language with `--src FILE`"
    )


def test_english_sentences_for_models_from_english_alone(tmp_path):
    sentences = sentences_for(tmp_path, replace(CARD, src_lang="en-GB"))
    assert len(set(sentences)) == len(sentences) == 60
    with pytest.raises(ConfigError) as error:
        sentences_for(tmp_path, replace(CARD, src_lang="fi"))
    assert str(error.value) == (
        f"{tmp_path} is not in a run folder, and translates from `fi`; mtcli has sentences of its"
        " own in English only\nhint: give sentences of the source language with `--src FILE`"
    )


def test_selections():
    assert select().names == NAMES
    assert select(has_own_cases=True).names == (*NAMES, "cases")
    assert select("typos", "numbers").names == ("numbers", "typos")
    assert select("typos", "numbers", skip=["typos"]).names == ("numbers",)
    assert not select("cases", has_own_cases=True).needs_sentences
    assert not select("typos", has_own_cases=True).has_own_cases


@pytest.mark.parametrize(
    ("only", "skip", "message"),
    [
        (["typo"], [], "`typo` is not a check\nhint: use one of `numbers`, `dates`, "),
        ([], ["typo"], "`typo` is not a check\nhint: use one of `numbers`, `dates`, "),
        (["cases"], [], "the check `cases` needs your own cases\nhint: add `--cases FILE`"),
        (["typos"], ["typos"], "no check is left\nhint: remove a `--skip`, or name more with"),
    ],
)
def test_selections_that_make_no_sense(only, skip, message):
    with pytest.raises(ConfigError) as error:
        select(*only, skip=skip)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("sentences", "names", "message"),
    [
        ([" ", ""], ("numbers",), "there are no sentences to make cases of\nhint: give "),
        (["\u8d70"], ("upper_case",), "no case could be made of the sentences\nhint: give "),
    ],
)
def test_no_cases(sentences, names, message):
    with pytest.raises(DataError) as error:
        built_in_cases(CARD, sentences, Selection(names, True, 5), pytest.fail)
    assert str(error.value).startswith(message)


def test_without_the_library_the_language_is_left_out_unless_it_was_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    warnings = []
    cases = built_in_cases(CARD, ["Go home."], select(), warnings.append)
    assert "language" not in {case.check for case in cases}
    assert [warning.hint for warning in warnings] == [
        "install it with `pip install 'py3langid>=0.4,<1'`"
    ]
    with pytest.raises(ConfigError, match="needs the library `py3langid`"):
        built_in_cases(CARD, ["Go home."], select("language"), warnings.append)


def test_copies_count_between_two_languages_only():
    same = replace(CARD, tgt_lang="en-GB")
    for card, selection, is_made in (
        (CARD, select(skip=["language"]), True),
        (same, select(skip=["language"]), False),
        (same, select("copied"), True),
    ):
        cases = built_in_cases(card, ["Please go home."], selection, pytest.fail)
        assert ("copied" in {case.check for case in cases}) is is_made
