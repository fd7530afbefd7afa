"""Each rule does what it says, and SentencePiece's rules do what SentencePiece does."""

import io
import unicodedata
from functools import lru_cache

import pytest
import regex
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.tokenizer.normalization import TextNormalizer
from tests.support.tokenizers import sentences

SENTENCEPIECE_RULES = ["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf"]
RULES = [*SENTENCEPIECE_RULES, "nfc", "identity"]


@lru_cache
def processor(rule):
    """A SentencePiece model that normalizes by itself, as those of mtcli 0.1 do."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences()), model_writer=model, model_type="bpe", vocab_size=340,
        byte_fallback=True, normalization_rule_name=rule, minloglevel=2,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


@pytest.mark.parametrize("rule", SENTENCEPIECE_RULES)
def test_it_is_sentencepiece_s_rule_on_text_without_invisible_characters(rule):
    identity, own = processor("identity"), TextNormalizer(rule, "src")
    visible = st.text(
        st.characters(exclude_categories=["Cs"]).filter(
            lambda c: c != "\u2581" and not regex.match(r"\p{DI}", c)
        )
    )

    @settings(deadline=None, max_examples=300)
    @given(text=visible)
    def check(text):
        assert identity.normalize(own(text)) == processor(rule).normalize(text)

    check()
    for text in ("  ba  ko ", "ﬁ\tＢ", "½ № ™ 10 000", "Äé e\u0301", "ประจำ", "ﷺ", "\x01\x7f"):
        assert identity.normalize(own(text)) == processor(rule).normalize(text)


@pytest.mark.parametrize(
    "text",
    ["你好，世界！（一）", "กำลังทำ", "½ ² № ™ ﬁ", "10\xa0000\u202f€ : «\xa0oui\xa0»",
     "می\u200cخواهم کتاب\u200cها را", "ශ්\u200dරී", "ｶﾞｷﾞ", "㈱ ① Ⅳ", "…", "ʼ´", "日本\u3000語"],
)  # fmt: skip
def test_nfc_keeps_what_a_target_is_written_with(text):
    assert TextNormalizer("nfc", "tgt")(text) == text


@pytest.mark.parametrize("rule", RULES)
def test_joiners_that_are_spelling_survive_every_rule(rule):
    text = "می\u200cخواهم ක්\u200dර 👩\u200d👧"
    for side in ("src", "tgt"):
        assert TextNormalizer(rule, side)(text) == text


def test_nfc_composes_and_reads_controls_as_spaces():
    normalize = TextNormalizer("nfc", "tgt")
    assert normalize("Cafe\u0301\tx\x01y\u2028z\r\n") == "Café x" + "y z"
    assert normalize("e\x01\u0301 e\xad\u0301") == "é é"
    assert normalize("\u3000a b\xa0") == "a b"


@pytest.mark.parametrize("rule", RULES)
def test_plain_ascii_is_only_folded(rule):
    text = "".join(map(chr, range(0x20, 0x7F)))
    expected = text.lower() if rule.endswith("_cf") else text
    assert TextNormalizer(rule, "src")(text) == expected


@pytest.mark.parametrize("rule", RULES)
def test_user_symbols_stay_as_they_are(rule):
    normalize = TextNormalizer(rule, "src", ["<ＳＥＰ>", "\u200b", "½"])
    assert normalize("a<ＳＥＰ>b\u200b ½") == "a<ＳＥＰ>b\u200b ½"
    assert normalize("\xadé <ＳＥＰ> \xadé") == "é <ＳＥＰ> é"


@pytest.mark.parametrize("rule", RULES)
def test_a_second_time_changes_nothing(rule):
    odd = [*" \t\x01é½，ﬁİ", "e\u0301", "ﷺ", "ﹰ", "ب", "\u200c", "\u200d", "\xad", "\u2581",
           "\ud800", "क्", "👩"]  # fmt: skip
    normalize = TextNormalizer(rule, "tgt")

    @settings(deadline=None, max_examples=200)
    @given(text=st.lists(st.sampled_from(odd), max_size=6).map("".join))
    def check(text):
        once = normalize(text)
        assert normalize(once) == once
        once.encode()

    check()


def test_nfc_is_canonical_composition_of_any_text():
    normalize = TextNormalizer("nfc", "tgt")

    @settings(deadline=None, max_examples=200)
    @given(text=st.text(st.characters(categories=["L", "M", "N", "P", "S"])))
    def check(text):
        text = regex.sub(r"\p{DI}|\u2581", "", text)
        assert normalize(text) == unicodedata.normalize("NFC", text)

    check()
