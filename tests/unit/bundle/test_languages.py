"""Models of several languages: which language is meant, and what stands before its texts."""

from dataclasses import replace
from pathlib import Path

import pytest

from mtcli.bundle.card import LanguageTags
from mtcli.bundle.languages import check_languages, tags_of, with_any_languages, with_languages
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.tokenizer.protocol import NO_TAGS, Tags
from tests.support.model_folder import card_of, untrained_model

PATH = Path("M")
NLLB = ("eng_Latn", "deu_Latn", "zho_Hans", "zho_Hant", "arb_Arab")


@pytest.fixture(scope="module")
def one_pair():
    return card_of(untrained_model())


def card_with(card, names=NLLB, *, side="tgt", src_lang="mul", tgt_lang="mul"):
    tags = {name: i for i, name in enumerate(names, start=4)}
    languages = LanguageTags(src=tags if side == "tgt" else {}, tgt=tags, tgt_side=side)
    return replace(card, languages=languages, src_lang=src_lang, tgt_lang=tgt_lang)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("eng_Latn", "eng_Latn"), ("ENG-latn", "eng_Latn"), ("en", "eng_Latn"),
        ("ger", "deu_Latn"), ("de-AT", "deu_Latn"), ("zh-Hans", "zho_Hans"),
        ("zh_Hant", "zho_Hant"), ("cmn_Hant", "zho_Hant"), ("ar", "arb_Arab"),
    ],
)  # fmt: skip
def test_every_code_of_a_language_will_do(one_pair, wanted, name):
    card = with_languages(PATH, card_with(one_pair), wanted, "eng_Latn")
    assert card.src_lang == name
    assert tags_of(card) == Tags((4 + NLLB.index(name),), (4,))


def test_a_word_before_the_source_names_the_target(one_pair):
    card = card_with(one_pair, ("deu", "fra"), side="src", src_lang="en")
    assert tags_of(with_languages(PATH, card, "en", "fr")) == Tags((5,), ())


def test_a_model_of_one_pair_has_no_tags(one_pair):
    assert with_languages(PATH, one_pair, None, None) == one_pair
    assert with_languages(PATH, one_pair, "eng", "de-DE") == one_pair
    assert tags_of(one_pair) == NO_TAGS


def test_defaults_hold_where_nothing_is_asked(one_pair):
    card = card_with(one_pair, src_lang="deu_Latn", tgt_lang="eng_Latn")
    assert with_languages(PATH, card, None, None) == card
    assert with_languages(PATH, card, "zh-Hans", None).src_lang == "zho_Hans"
    only = card_with(one_pair, ("deu",), side="src", src_lang="en")
    assert with_languages(PATH, only, None, None).tgt_lang == "deu"


def test_any_source_of_a_group_will_do(one_pair):
    card = card_with(one_pair, ("deu", "fra"), side="src", src_lang="gem")
    assert with_languages(PATH, card, "nl", "de").src_lang == "nl"
    with pytest.raises(ConfigError, match="does not translate from `nl`"):
        with_languages(PATH, replace(card, src_lang="en"), "nl", "de")


@pytest.mark.parametrize(
    ("src", "tgt", "sentence", "hint"),
    [
        (None, "en", "M translates from 5 languages, and none is chosen: `eng_Latn`, `deu_Latn`,"
         " `zho_Hans`, `zho_Hant`, `arb_Arab`", "give `--src-lang`, or import the model with it to"
         " make it the default"),
        ("en", None, "M translates into 5 languages, and none is chosen", "give `--tgt-lang`"),
        ("en", "zh", "`zh` is more than one language of M", "use one of `zho_Hans`, `zho_Hant`"),
        ("engl_Latn", "en", "M does not translate from `engl_Latn`", "did you mean `eng_Latn`?"),
        ("en", "xx", "M does not translate into `xx`", "use one of `eng_Latn`, `deu_Latn`"),
        ("en", "zh-Latn", "M does not translate into `zh-Latn`", "use one of"),
        ("x" * 10**6, "en", f"M does not translate from `{'x' * 60}`", "use one of"),
    ],
)  # fmt: skip
def test_what_is_not_known_or_not_chosen_is_refused(one_pair, src, tgt, sentence, hint):
    with pytest.raises(ConfigError) as caught:
        with_languages(PATH, card_with(one_pair), src, tgt)
    assert caught.value.sentence.startswith(sentence)
    assert caught.value.hint.startswith(hint)


def test_a_long_list_is_shortened(one_pair):
    card = card_with(one_pair, [f"a{letter}" for letter in "abcdefghij"])
    with pytest.raises(ConfigError, match=r"none is chosen: `aa`, .*`ah` and 2 more"):
        with_languages(PATH, card, None, None)


def test_a_model_of_one_pair_refuses_other_languages(one_pair):
    with pytest.raises(ConfigError, match="M does not translate into `fr`") as caught:
        with_languages(PATH, one_pair, None, "fr")
    assert caught.value.hint == "use one of `de`"


def test_where_none_is_chosen_any_will_do(one_pair):
    card = with_any_languages(card_with(one_pair))
    assert (card.src_lang, card.tgt_lang) == ("eng_Latn", "eng_Latn")
    assert with_any_languages(one_pair) == one_pair


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"src_lang": "fra"}, "`src_lang` is `fra`, which `languages.src` lacks"),
        ({"names": [f"x{i}" for i in range(500)]}, "which must be a piece from 4 to"),
    ],
)
def test_a_card_of_a_stranger_is_checked(one_pair, changes, sentence):
    with pytest.raises(ModelFolderError, match=sentence):
        check_languages(PATH, card_with(one_pair, **changes))
