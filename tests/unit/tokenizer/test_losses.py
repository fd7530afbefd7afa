"""What can never be written is counted, and named."""

import pytest
import sentencepiece

from mtcli.tokenizer.losses import count_losses, name_of
from mtcli.tokenizer.report import describe_losses
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from tests.support.tokenizers import sentences, tokenizer

LOST_BY_NMT_NFKC = {
    "FULLWIDTH COMMA (U+FF0C)": "ba，ko",
    "THAI CHARACTER SARA AM (U+0E33)": "กำ",
    "VULGAR FRACTION ONE HALF (U+00BD)": "½ ba",
    "SUPERSCRIPT TWO (U+00B2)": "m²",
    "NUMERO SIGN (U+2116)": "№ 1",
    "TRADE MARK SIGN (U+2122)": "ba™",
    "LATIN SMALL LIGATURE FI (U+FB01)": "ﬁ",
    "NO-BREAK SPACE (U+00A0)": "10\xa0000",
    "HORIZONTAL ELLIPSIS (U+2026)": "ba…",
}


@pytest.mark.parametrize(("name", "text"), LOST_BY_NMT_NFKC.items())
def test_what_nmt_nfkc_changes_is_named_and_nfc_keeps_it(name, text):
    lossy, kept = tokenizer(tgt_normalization="nmt_nfkc"), tokenizer()
    losses = count_losses(lossy, ["ba ko", text, "ba", text])
    assert (losses.num_sentences, losses.num_changed, losses.num_only_invisible) == (4, 2, 0)
    assert name in losses.named_characters
    assert losses.example == (text, lossy.normalize(text))
    assert count_losses(kept, ["ba ko", text]).num_changed == 0


def test_spaces_controls_and_composition_are_no_losses():
    losses = count_losses(tokenizer(), ["  ba   ko ", "ba\tko", "e\u0301", "\x01ba", "\u212b", ""])
    assert (losses.num_sentences, losses.num_changed, losses.num_only_invisible) == (6, 0, 0)
    assert losses.named_characters == ""


def test_invisible_characters_are_counted_apart():
    texts = ["so\xadft", "so\xadft\u200b", "می\u200cخواهم", "so\xadft, ½"]
    losses = count_losses(tokenizer(), texts)
    assert (losses.num_changed, losses.num_only_invisible) == (0, 3)
    assert losses.characters == (("\xad", 3), ("\u200b", 1))
    assert [*describe_losses(losses, tokenizer())] == [
        "3 of the first 4 target sentences lose invisible characters only:"
        " SOFT HYPHEN (U+00AD), 3 times, ZERO WIDTH SPACE (U+200B), 1 times"
    ]
    lossy = tokenizer(tgt_normalization="nmt_nfkc")
    both = count_losses(lossy, texts)
    assert (both.num_changed, both.num_only_invisible) == (1, 2)
    assert len([*describe_losses(both, lossy)]) == 2


def test_the_cause_and_what_to_do_are_named():
    lossy = tokenizer(tgt_normalization="nmt_nfkc")
    (line,) = describe_losses(count_losses(lossy, ["ba", "m²"]), lossy)
    assert line == (
        "1 of the first 2 target sentences cannot come back as they are written, because the"
        " normalization `nmt_nfkc` changes them; lost: SUPERSCRIPT TWO (U+00B2), 1 times;"
        " for example 'm²' becomes 'm2'; set `tokenizer.tgt_normalization: nfc` to keep them"
    )
    narrow = tokenizer(vocab_size=100, byte_fallback=False)
    (line,) = describe_losses(count_losses(narrow, [*sentences(3), "ba 日本"]), narrow)
    assert line == (
        "1 of the first 4 target sentences cannot come back as they are written, because the"
        " tokenizer has no piece for all of their characters; lost: CJK UNIFIED IDEOGRAPH-65E5"
        " (U+65E5), 1 times, CJK UNIFIED IDEOGRAPH-672C (U+672C), 1 times; for example 'ba 日本'"
        " becomes 'ba  \u2047 '; set `tokenizer.byte_fallback: true` to keep them"
    )


def test_a_tokenizer_of_an_earlier_release_is_named_as_the_cause(tmp_path):
    path = tmp_path / "t.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences()), model_writer=file, vocab_size=340,
            model_type="bpe", byte_fallback=True, pad_id=0, unk_id=1, bos_id=2, eos_id=3,
            minloglevel=2,
        )  # fmt: skip
    old = SentencePieceTokenizer(path)
    (line,) = describe_losses(count_losses(old, ["می\u200cخواهم", "ba"]), old)
    assert line == (
        "1 of the first 2 target sentences cannot come back as they are written, because the"
        " normalization in the tokenizer's own file changes them; lost: ZERO WIDTH NON-JOINER"
        " (U+200C), 1 times; for example 'می\\u200cخواهم' becomes 'می خواهم'; use a tokenizer that"
        " mtcli trains to keep them"
    )


def test_a_character_without_a_name_has_its_code_point():
    assert name_of("\x01") == "U+0001"
    assert name_of("\ue000") == "U+E000"
