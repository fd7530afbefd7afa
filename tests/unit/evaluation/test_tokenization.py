"""The language decides how BLEU counts words, by whatever code and script it is named."""

import pytest

from mtcli.config.languages import country_problem, script_of
from mtcli.errors import ConfigError
from mtcli.evaluation import tokenization
from mtcli.evaluation.metrics import bleu
from mtcli.evaluation.tokenization import (
    check_tokenization,
    choose_tokenization,
    tokenization_for,
)

CODES = {
    "zh": "zh zho chi cmn yue wuu lzh nan hak gan",
    "ja-mecab": "ja jpn",
    "ko-mecab": "ko kor",
    "char": "th tha lo lao km khm my mya bur bo bod tib dz dzo shn mnw nod tts ksw tdd khb blt ii",
    "13a": "en deu fra vi vie kok mn mon hi hin am amh ar kau und mul x",
}
"""Codes of ISO 639-1, -2 and -3, by the tokenization that they ask for."""
SCRIPTS_OF_ALL = "", "-XX", "_ZZ", "-419", "-x-private"
"""What says nothing of the script: FLORES, NLLB, mBART and BCP 47 write such tags."""


@pytest.mark.parametrize(
    ("lang", "expected"), [(code, name) for name, codes in CODES.items() for code in codes.split()]
)
def test_every_code_of_a_language(lang, expected):
    for suffix in SCRIPTS_OF_ALL:
        for tag in (lang + suffix, (lang + suffix).upper()):
            assert tokenization_for(tag) == expected, tag


@pytest.mark.parametrize("expected", ["zh", "ja-mecab", "ko-mecab"])
def test_no_script_changes_what_sacrebleu_has_for_the_language(expected):
    for lang in CODES[expected].split():
        for script in [
            "Hans",
            "Hant",
            "Hani",
            "Jpan",
            "Hira",
            "Kana",
            "Hrkt",
            "Hang",
            "Kore",
            "Latn",
            "Bopo",
            "Cyrl",
        ]:
            for tag in (f"{lang}_{script}", f"{lang}-{script}", f"{lang}-{script.lower()}-CN"):
                assert tokenization_for(tag) == expected, tag


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("pi-Thai", "char"), ("pi_Mymr", "char"), ("sa-Tibt", "char"), ("jv_Java", "char"),
        ("ban-Bali", "char"), ("nod_Lana", "char"), ("ain-Kana", "char"), ("ryu-Hira", "char"),
        ("und-Khmr", "char"), ("und-laoo", "char"), ("vi-Hani", "zh"), ("za_Hans", "zh"),
        ("my-Latn", "13a"), ("bo-Latn-CN", "13a"), ("th_Latn", "13a"), ("shn-Thai", "char"),
        ("sr-Cyrl", "13a"), ("jv", "13a"), ("mn-Mong", "13a"), ("bo-CN", "char"), ("th_TH", "char"),
        ("my_MM", "char"), ("", "13a"), ("-", "13a"), ("zh_CN", "zh"), ("ja_XX", "ja-mecab"),
    ],
)  # fmt: skip
def test_the_script_decides_for_other_languages(lang, expected):
    assert tokenization_for(lang) == expected


@pytest.mark.parametrize(
    ("country", "language"),
    [
        ("cn", "zh"), ("CN", "zh"), ("cn-Hans", "zh"), ("jp", "ja"), ("jp_JP", "ja"), ("kr", "ko"),
        ("kp", "ko"), ("hk", "zh"), ("kh", "km"), ("mm", "my"), ("bt", "dz"),
    ],
)  # fmt: skip
def test_a_country_is_no_language(country, language):
    code = country[:2].lower()
    expected = f"`{code}` is a country code, not a language; use `{language}`"
    assert country_problem(country) == expected
    # a model of an earlier mtcli may still have that name
    assert tokenization_for(country) == tokenization_for(language)


@pytest.mark.parametrize("lang", ["zh-CN", "zh", "ja_JP", "kn", "kau", "cnh", "en", ""])
def test_a_language_is_no_country(lang):
    assert country_problem(lang) is None


def test_scripts():
    tags = "zho_Hans", "zh-hant-TW", "zh-cmn-Hans-CN", "zh", "zh_TW", "Latn", "sl-rozaj"
    assert [*map(script_of, tags)] == ["Hans", "Hant", "Hans", None, None, None, None]


def test_what_nobody_would_wonder_about_has_no_remark():
    for lang in ("de", "zho_Hans", "jpn"):
        assert choose_tokenization(lang).remark == ""
    assert choose_tokenization("th", "13a") == tokenization.Tokenization("13a")


@pytest.mark.parametrize("lang", CODES["char"].split())
def test_characters_are_not_counted_in_silence(lang):
    assert choose_tokenization(lang) == tokenization.Tokenization(
        "char",
        f"BLEU counts characters (tokenization `char`): `{lang}` is written without spaces between"
        " words",
    )
    assert "tok:char|" in bleu(["กขคง"], ["กขคง"], tgt_lang=lang).signature


@pytest.mark.parametrize("lang", ["ko", "kor_Hang", "kr"])
def test_korean_without_its_library(lang, monkeypatch):
    monkeypatch.setattr(tokenization, "find_spec", lambda _: None)
    remark = (
        f"BLEU of `{lang}` counts words between spaces (tokenization `13a`): the library of"
        " `ko-mecab` is not installed; `pip install 'sacrebleu[ko]'` brings it"
    )
    assert choose_tokenization(lang) == tokenization.Tokenization("13a", remark, is_makeshift=True)
    assert "tok:13a|" in bleu(["개가 뛴다."], ["개가 뛴다."], tgt_lang=lang).signature
    check_tokenization(lang)


def test_korean_with_its_library(monkeypatch):
    monkeypatch.setattr(tokenization, "find_spec", lambda name: name)
    assert choose_tokenization("kor") == tokenization.Tokenization("ko-mecab")


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


@pytest.mark.parametrize(
    ("lang", "tokenize", "asked"),
    [
        ("ja", None, ", which `tgt_lang: ja` asks for,"),
        ("jpn_Jpan", None, ", which `tgt_lang: jpn_Jpan` asks for,"),
        ("de", "ja-mecab", ""),
        ("ko", "ko-mecab", ""),
    ],
)
def test_a_tokenisation_that_is_not_installed(lang, tokenize, asked, monkeypatch):
    from sacrebleu.tokenizers import tokenizer_ja_mecab, tokenizer_ko_mecab

    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    monkeypatch.setattr(tokenizer_ko_mecab, "MeCab", None)
    with pytest.raises(ConfigError) as caught:
        check_tokenization(lang, tokenize)
    name = tokenize or "ja-mecab"
    assert str(caught.value) == (
        f"BLEU's tokenization `{name}`{asked} needs a package that is not installed\n"
        f"hint: run `pip install 'sacrebleu[{name[:2]}]'`, or choose another tokenization, such as"
        " `char`"
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
