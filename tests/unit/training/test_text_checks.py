"""What a run says of its texts when it starts."""

import logging

import pytest

from mtcli.config.load import load_config
from mtcli.training.text_checks import report_on_texts
from tests.support.small_run import write_run


@pytest.fixture
def said(tmp_path, caplog):
    """What a start says of a config with these overrides, each line after its level."""
    path = write_run(tmp_path)

    def of(*overrides):
        caplog.clear()
        with caplog.at_level(logging.INFO, "mtcli.training.text_checks"):
            report_on_texts(load_config(path, overrides, working_dir=tmp_path))
        return [f"{record.levelname}: {record.getMessage()}" for record in caplog.records]

    return of


def test_the_tokenization_of_bleu(said, monkeypatch):
    other = "; `validation.bleu_tokenize` chooses another tokenization"
    assert said() == said("tgt_lang=zho_Hans") == []
    assert said("tgt_lang=khm") == [
        "INFO: BLEU counts characters (tokenization `char`): `khm` is written without spaces"
        f" between words{other}"
    ]
    assert said("tgt_lang=khm", "validation.bleu_tokenize=13a") == []
    monkeypatch.setattr("mtcli.evaluation.tokenization.find_spec", lambda _: None)
    assert said("tgt_lang=kor") == [
        "WARNING: BLEU of `kor` counts words between spaces (tokenization `13a`): the library of"
        f" `ko-mecab` is not installed; `pip install 'sacrebleu[ko]'` brings it{other}"
    ]


def test_a_country_instead_of_the_source_language(said):
    assert said("src_lang=jp") == [
        "WARNING: src_lang: `jp` is a country code, not a language; use `ja`"
    ]
