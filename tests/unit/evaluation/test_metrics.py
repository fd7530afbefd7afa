import subprocess
import sys

import pytest

from mtcli.errors import ConfigError
from mtcli.evaluation.metrics import Score, bleu, check_tokenization, chrf, tokenization_for


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("zh", "zh"), ("zh-Hans", "zh"), ("zh_TW", "zh"), ("ZH", "zh"), ("ja", "ja-mecab"),
        ("ko-KR", "ko-mecab"), ("en", "13a"), ("de-AT", "13a"), ("kok", "13a"), ("", "13a"),
    ],
)  # fmt: skip
def test_the_language_chooses_the_tokenisation(lang, expected):
    assert tokenization_for(lang) == expected


def test_a_perfect_translation():
    texts = ["The old miller counts his sacks.", "Rain!"]
    assert bleu(texts, texts, tgt_lang="en").score == pytest.approx(100)
    assert chrf(texts, texts) == Score("chrF", pytest.approx(100), chrf(texts, texts).signature)


def test_case():
    texts, shouted = ["the old miller counts his sacks"], ["THE OLD MILLER COUNTS HIS SACKS"]
    for score in (
        lambda **keys: bleu(texts, shouted, tgt_lang="en", **keys),
        lambda **keys: chrf(texts, shouted, **keys),
    ):
        assert score().score < 1
        assert score(lowercase=True).score == pytest.approx(100)
        assert "case:mixed" in score().signature
        assert "case:lc" in score(lowercase=True).signature


def test_the_tokenisation_is_in_the_signature():
    assert "tok:zh|" in bleu(["雨"], ["雨"], tgt_lang="zh").signature
    assert "tok:13a|" in bleu(["rain"], ["rain"], tgt_lang="de").signature
    assert "tok:char|" in bleu(["雨"], ["雨"], tgt_lang="zh", tokenize="char").signature


def test_an_unknown_tokenisation():
    message = (
        "sacreBLEU has no tokenization `13b`\n"
        "hint: use one of: 13a, char, flores101, flores200, intl, ja-mecab, ko-mecab, none, "
        "spBLEU-1K, spm, zh"
    )
    for refuse in (
        lambda: bleu(["a"], ["a"], tgt_lang="en", tokenize="13b"),
        lambda: check_tokenization("en", "13b"),
    ):
        with pytest.raises(ConfigError) as caught:
            refuse()
        assert str(caught.value) == message


@pytest.mark.parametrize("lang", ["ja", "ko"])
def test_a_tokenisation_that_is_not_installed(lang, monkeypatch):
    from sacrebleu.tokenizers import tokenizer_ja_mecab, tokenizer_ko_mecab

    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    monkeypatch.setattr(tokenizer_ko_mecab, "MeCab", None)
    with pytest.raises(ConfigError) as caught:
        check_tokenization(lang)
    assert str(caught.value) == (
        f"BLEU's tokenization `{lang}-mecab` needs a package that is not installed\n"
        f"hint: run `pip install 'sacrebleu[{lang}]'`"
    )


def test_a_tokenisation_whose_model_cannot_be_fetched(monkeypatch):
    from sacrebleu.tokenizers import tokenizer_spm

    def download_file(*_):
        raise OSError("no network")

    monkeypatch.setattr(tokenizer_spm, "SACREBLEU_DIR", "/nonexistent")
    monkeypatch.setattr(tokenizer_spm, "download_file", download_file)
    with pytest.raises(ConfigError) as caught:
        check_tokenization("en", "flores200")
    assert str(caught.value) == (
        "BLEU's tokenization `flores200` needs a file that cannot be fetched: no network\n"
        "hint: connect to the network once, or choose another tokenization"
    )


def test_check_tokenization_accepts_what_bleu_does():
    check_tokenization("zh")
    check_tokenization("xx", "intl")


@pytest.mark.parametrize(("num_hypotheses", "num_references"), [(0, 0), (1, 2), (2, 1)])
def test_lines_that_do_not_match(num_hypotheses, num_references):
    texts = [["a"] * num_hypotheses, ["a"] * num_references]
    expected = f"{num_hypotheses} hypotheses for {num_references} references"
    with pytest.raises(ValueError, match=expected):
        bleu(*texts, tgt_lang="en")
    with pytest.raises(ValueError, match=expected):
        chrf(*texts)


def test_the_room_imports_neither_sacrebleu_nor_numpy_nor_torch():
    code = (
        "import sys, mtcli.evaluation.metrics, mtcli.evaluation.tokenized;"
        "assert not {'sacrebleu', 'numpy', 'torch'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
