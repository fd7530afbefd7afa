import io

import numpy as np
import pytest
import sentencepiece

from mtcli.errors import TokenizerError
from mtcli.tokenizer.model_file import (
    Algorithm,
    PieceKind,
    SideRules,
    parse_model,
    read_rules,
)
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer, open_tokenizers
from tests.support.tokenizers import sentences, tokenizer


def foreign(path, **keys):
    """A model that another program trained."""
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences()), model_writer=content, vocab_size=300, minloglevel=2,
        hard_vocab_limit=False, **keys,
    )  # fmt: skip
    path.write_bytes(content.getvalue())
    return path


OUR_IDS = {"pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3}


def refusal(path):
    with pytest.raises(TokenizerError) as caught:
        SentencePieceTokenizer(path)
    return str(caught.value)


def test_a_missing_file(tmp_path):
    path = tmp_path / "t.model"
    assert refusal(path) == f"cannot read the tokenizer {path}: No such file or directory"


def test_a_folder(tmp_path):
    assert refusal(tmp_path) == f"cannot read the tokenizer {tmp_path}: Is a directory"


@pytest.mark.parametrize("content", [b"", b"ba ko\n" * 100, b"\x0a\xff\xff\xff\xff"])
def test_a_file_that_is_no_model(tmp_path, content, capfd):
    path = tmp_path / "t.model"
    path.write_bytes(content)
    assert refusal(path) == (
        f"{path} is not a SentencePiece model ({len(content)} bytes)\n"
        "hint: train one with `mtcli tokenizer train`"
    )
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_a_model_with_other_special_ids(tmp_path):
    path = foreign(tmp_path / "t.model")
    assert refusal(path) == (
        f"{path} has the special ids pad -1, unk 0, bos 1, eos 2, but mtcli needs pad 0, unk 1, "
        "bos 2, eos 3\nhint: train it with `--pad_id=0 --unk_id=1 --bos_id=2 --eos_id=3`"
    )


@pytest.mark.parametrize("algorithm", ["bpe", "unigram"])
def test_pieces_and_ids_belong_together(algorithm):
    trained = tokenizer(algorithm)
    text = "bako tirmel!"
    ids = trained.encode(text)
    assert trained.encode_pieces(text) == [trained.id_to_piece(i) for i in ids]
    assert [trained.piece_to_id(piece) for piece in trained.encode_pieces(text)] == ids
    assert trained.piece_to_id("no such piece") == 1
    assert trained.model.algorithm.name.lower() == algorithm


def test_a_batch_is_its_texts_one_by_one():
    trained = tokenizer()
    texts = ["", "ba", " ", "\ud800", *sentences(50, seed=2)]
    batch = [trained.encode(text) for text in texts]
    assert trained.encode_batch(texts) == trained.encode_batch(texts, num_threads=3) == batch
    assert trained.decode_batch(batch) == [trained.decode(ids) for ids in batch]
    assert trained.encode_batch([]) == trained.decode_batch([]) == []
    assert trained.decode_batch([[], []]) == ["", ""]


def test_a_batch_without_a_thread_is_its_texts_one_by_one(monkeypatch):
    """The library starts a thread for each batch; a system may not allow one."""
    trained = tokenizer()
    texts = ["", "ba", *sentences(5, seed=2)]
    expected = trained.encode_batch(texts)
    processor = trained._processor

    class WithoutThreads:
        def encode(self, text, **keywords):
            if isinstance(text, list):
                raise RuntimeError("Resource temporarily unavailable")
            return processor.encode(text, **keywords)

    monkeypatch.setattr(trained, "_processor", WithoutThreads())
    assert trained.encode_batch(texts) == expected


def test_ids_may_be_an_array():
    trained = tokenizer()
    ids = trained.encode("ba ko")
    assert trained.decode(np.array(ids, dtype=np.uint16)) == "ba ko"
    assert trained.decode_batch(np.array([ids, ids])) == ["ba ko"] * 2


def test_special_ids_decode_to_nothing():
    trained = tokenizer()
    assert trained.decode([2, *trained.encode("ba ko"), 3, 0, 0]) == "ba ko"
    assert trained.decode([]) == trained.decode([0, 2, 3]) == ""


def test_blank_text_has_no_pieces():
    trained = tokenizer()
    for text in ("", " ", "\t", "\u3000", "\u2581", "\u200b"):
        assert trained.encode(text) == trained.sample(text, amount=0.5, seed=1) == []
        assert trained.normalize(text) == ""


def test_white_space_is_normalised_to_single_spaces():
    for rule in ("nmt_nfkc", "nfc", "identity"):
        trained = tokenizer(tgt_normalization=rule)
        assert trained.normalize("  ba   ko ") == "ba ko"
        assert trained.normalize("ba\u2581ko\u2581") == "ba ko"


def test_normalisation_rules():
    assert tokenizer(tgt_normalization="nmt_nfkc").normalize("ﬁ Ｂ\tx") == "fi B x"
    assert tokenizer(tgt_normalization="nmt_nfkc_cf").normalize("ﬁ Ｂ\tx") == "fi b x"
    assert tokenizer(tgt_normalization="nfc").normalize("ﬁ Ｂe\u0301\tx") == "ﬁ Ｂé x"
    assert tokenizer(tgt_normalization="identity").normalize("ﬁ Ｂ\tx") == "ﬁ Ｂ\tx"


def test_surrogates_are_paired_or_replaced():
    trained = tokenizer(tgt_normalization="identity")
    assert trained.normalize("a\ud83d\ude42b\ud800c") == "a🙂b\ufffdc"
    assert trained.encode("a\ud83d\ude42b\ud800c") == trained.encode("a🙂b\ufffdc")


def test_without_byte_fallback_what_has_no_piece_is_unknown():
    trained = tokenizer(vocab_size=100, byte_fallback=False)
    ids = trained.encode("ba 日本 ko")
    assert ids.count(1) == 1
    assert "<unk>" in trained.encode_pieces("ba 日本 ko")
    assert trained.decode(ids) == "ba  \u2047  ko"


@pytest.mark.parametrize("model_type", ["word", "char"])
def test_word_and_character_models_cannot_be_sampled(tmp_path, model_type):
    path = foreign(tmp_path / "t.model", model_type=model_type, **OUR_IDS)
    trained = SentencePieceTokenizer(path)
    assert trained.decode(trained.encode("ba")) in ("ba", " \u2047 ")
    assert trained.sample("ba", amount=0, seed=1) == trained.encode("ba")
    with pytest.raises(TokenizerError) as caught:
        trained.sample("ba", amount=0.1, seed=1)
    assert str(caught.value) == (
        f"{path} is a {model_type} model, which has only one segmentation of a text\n"
        "hint: set `tokenizer.sample_src` and `tokenizer.sample_tgt` to 0, or use a unigram or BPE"
        " model"
    )


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
def test_a_model_without_a_space_before_the_text(tmp_path, algorithm):
    path = foreign(
        tmp_path / "t.model",
        model_type=algorithm,
        add_dummy_prefix=False,
        byte_fallback=True,
        **OUR_IDS,
    )
    trained = SentencePieceTokenizer(path)
    for text in ("ba ko", "日", ""):
        assert trained.decode(trained.encode(text)) == trained.normalize(text) == text
        assert trained.decode(trained.sample(text, amount=0.5, seed=3)) == text


@pytest.mark.parametrize("algorithm", ["bpe", "unigram"])
def test_the_model_file_is_read_as_sentencepiece_reads_it(algorithm):
    path = tokenizer(algorithm, symbols=("<sep>", "日")).path
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    model = parse_model(path.read_bytes())
    assert model.algorithm is Algorithm[algorithm.upper()]
    assert len(model.pieces) == processor.vocab_size()
    for i, piece in enumerate(model.pieces):
        assert piece.text == processor.id_to_piece(i)
        assert piece.score == processor.get_score(i)
        assert processor.is_byte(i) == (piece.kind is PieceKind.BYTE)
        assert processor.is_control(i) == (piece.kind is PieceKind.CONTROL)
        assert processor.is_unknown(i) == (piece.kind is PieceKind.UNKNOWN)
        assert (piece.kind is PieceKind.USER_DEFINED) == (piece.text in ("<sep>", "日"))


def test_normalizing_and_encoding_at_once_is_the_same():
    for trained in (tokenizer(), tokenizer("unigram", tgt_normalization="nmt_nfkc")):
        texts = ["", " ba  ko ", "so\xadft ﬁ", "می\u200cخواهم", "\t日本", *sentences(20, seed=3)]
        normalized, ids = trained.normalize_and_encode(texts)
        assert normalized == [trained.normalize(text) for text in texts]
        assert ids == [trained.encode(text) for text in texts]
        assert [trained.decode(row) for row in ids] == normalized


@pytest.mark.parametrize("rule", ["nmt_nfkc", "nfkc_cf", "identity"])
def test_a_file_of_an_earlier_release_normalizes_as_it_did(tmp_path, rule):
    """It says nothing, so its own rule applies to both sides; invisible characters go first."""
    keys = {"normalization_rule_name": rule, "byte_fallback": True, **OUR_IDS}
    path = foreign(tmp_path / "t.model", **keys)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    for trained in open_tokenizers(path, path):
        assert trained.normalization == "identity"
        assert trained.described_normalization == "of the tokenizer's own file"
        for text in ("ﬁ Ｂ\tx", "½，ba ", "10\xa0000", "Äé ko", "می\u200cخواهم", "ba  ko"):
            assert trained.encode(text) == processor.encode(text)
            assert trained.encode(f"\xad{text}\u2060") == processor.encode(text)
        assert trained.normalize("b\u200ba") == "ba"


def test_a_file_says_how_each_side_is_normalized():
    path = tokenizer(tgt_normalization="nfc", src_normalization="nmt_nfkc_cf").path
    content = path.read_bytes()
    assert read_rules(content) == SideRules("nmt_nfkc_cf", "nfc")
    assert SentencePieceTokenizer(path, side="src").normalize("ﬁ Ｂ") == "fi b"
    assert SentencePieceTokenizer(path, side="tgt").normalize("ﬁ Ｂ") == "ﬁ Ｂ"
    assert SentencePieceTokenizer(path, side="src", rule="nfc").normalize("ﬁ Ｂ") == "ﬁ Ｂ"
    # SentencePiece itself reads the file, and so do later mtcli that add more fields
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    assert processor.decode(processor.encode("ba ko")) == "ba ko"
    assert read_rules(content + b"\x9a\x06\0") == SideRules("nmt_nfkc_cf", "nfc")
    assert parse_model(content).pieces[4].text == processor.id_to_piece(4)


def test_a_file_with_a_rule_of_a_later_release_is_refused(tmp_path):
    path = tmp_path / "t.model"
    path.write_bytes(tokenizer().path.read_bytes().replace(b'"tgt": "nfc"', b'"tgt": "wu1"'))
    assert refusal(path) == (
        f"{path} has the unknown normalization 'wu1'\n"
        "hint: upgrade mtcli; a newer version wrote this"
    )


def test_user_symbols_are_read_from_the_file():
    assert tokenizer(symbols=("<sep>", "日")).model.symbols == ["<sep>", "日"]
    assert tokenizer().model.symbols == []
    trained = tokenizer(symbols=("½",), tgt_normalization="nmt_nfkc")
    assert trained.normalize("½ ¼") == "½ 1/4".replace("/", "\u2044")
