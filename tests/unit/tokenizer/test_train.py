import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sentencepiece

from mtcli.config.schema.tokenizer import TokenizerConfig
from mtcli.errors import RunFolderError, TokenizerError
from mtcli.tokenizer.protocol import SHARED_TOKENIZER, SRC_TOKENIZER, TGT_TOKENIZER
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.tokenizer.train import (
    MAX_SENTENCE_BYTES,
    train_tokenizer,
    train_tokenizers,
)
from tests.support.tokenizers import sentences, tokenizer

ALGORITHMS = ["bpe", "unigram"]


def train(path, texts, seed=1, **keys):
    config = TokenizerConfig(**{"vocab_size": 300, **keys})
    train_tokenizer(texts, config, seed=seed, model_path=path)
    return SentencePieceTokenizer(path)


def refusal(path, texts, **keys):
    with pytest.raises(TokenizerError) as caught:
        train(path, texts, **keys)
    assert not path.exists()
    assert list(path.parent.iterdir()) == []
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.model"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_special_ids_come_first_and_the_size_is_what_was_asked_for(path, algorithm):
    trained = train(path, sentences(), algorithm=algorithm)
    assert [trained.id_to_piece(i) for i in range(5)] == ["<pad>", "<unk>", "<s>", "</s>", "<0x00>"]
    assert trained.vocab_size == 300


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_text_config_and_seed_give_the_same_bytes(tmp_path, algorithm):
    contents = set()
    for name in ("a", "b"):
        train(tmp_path / name, iter(sentences()), algorithm=algorithm, max_sentences=300)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("byte_fallback", [True, False])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("num_sentences", [1, 7, 200])
def test_too_large_a_vocabulary_names_the_largest_that_works(
    path, algorithm, byte_fallback, num_sentences
):
    def refused(size):
        message = refusal(path, texts, vocab_size=size, **keys)
        match = re.fullmatch(
            rf"{path}: `tokenizer.vocab_size` is {size}, but the training text yields at most "
            rf"(\d+) {algorithm} pieces\nhint: set it to (\d+) or less, or train on more text",
            message,
        )
        assert match[1] == match[2]
        return int(match[1])

    texts = sentences(num_sentences, seed=3)
    keys = {"algorithm": algorithm, "byte_fallback": byte_fallback, "user_symbols": ["<sep>"]}
    largest = refused(100_000)
    assert refused(largest + 1) == largest
    assert train(path, texts, vocab_size=largest, **keys).vocab_size == largest


@pytest.mark.parametrize(
    ("byte_fallback", "explanation"),
    [(True, "4 special ones, 256 for bytes, one for"), (False, "4 special ones, one for")],
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_too_small_a_vocabulary_names_the_smallest_that_works(
    path, algorithm, byte_fallback, explanation
):
    keys = {"algorithm": algorithm, "byte_fallback": byte_fallback}
    message = refusal(path, sentences(), vocab_size=20, **keys)
    match = re.fullmatch(
        rf"{path}: `tokenizer.vocab_size` is 20, but at least (\d+) pieces are needed "
        rf"\({explanation} each user symbol and each character of the training text\)\n"
        r"hint: increase it, or decrease `tokenizer.character_coverage`",
        message,
    )
    smallest = int(match[1])
    assert f"at least {smallest} " in refusal(path, sentences(), vocab_size=smallest - 1, **keys)
    assert train(path, sentences(), vocab_size=smallest, **keys).vocab_size == smallest


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        ([], "0 sentences read, 0 blank, 0 longer than 4192 bytes"),
        (["", " \t"], "2 sentences read, 2 blank, 0 longer than 4192 bytes"),
        (["", "é" * 2097], "2 sentences read, 1 blank, 1 longer than 4192 bytes"),
    ],
)
def test_no_text(path, texts, counts):
    expected = f"no text to train {path} on: {counts}"
    assert refusal(path, texts) == expected


@pytest.mark.parametrize("symbol", ["<pad>", "<unk>", "<s>", "</s>", "<0x41>", "<0xfe>"])
def test_special_pieces_are_no_user_symbols(path, symbol):
    assert refusal(path, sentences(), user_symbols=["x", symbol]) == (
        f"`tokenizer.user_symbols[1]` is {symbol!r}, a special piece of every tokenizer\n"
        "hint: choose another name"
    )


@pytest.mark.parametrize("symbol", ["a b", " ", "\u2581", "x\u2581y", "a\n", "\u3000"])
def test_user_symbols_hold_no_space(path, symbol):
    assert refusal(path, sentences(), user_symbols=[symbol]) == (
        f"`tokenizer.user_symbols[0]` is {symbol!r}, but a piece cannot contain a space, or U+2581,"
        " which represents one\nhint: write the symbol without spaces"
    )


def test_empty_and_repeated_user_symbols(path):
    assert refusal(path, [], user_symbols=["a", ""]) == (
        "`tokenizer.user_symbols[1]` is empty\nhint: remove it"
    )
    assert refusal(path, [], user_symbols=["a", "b", "a"]) == (
        "`tokenizer.user_symbols[2]` repeats 'a'\nhint: remove one of them"
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_user_symbols_are_never_cut(algorithm):
    symbols = ["<sep>", "a,b", 'q"q', "<2de>"]
    trained = tokenizer(algorithm, symbols=tuple(symbols))
    for symbol in symbols:
        symbol_id = trained.piece_to_id(symbol)
        assert symbol_id not in (0, 1, 2, 3)
        text = f"ko{symbol}ba {symbol}"
        assert trained.encode(text).count(symbol_id) == 2
        for seed in range(20):
            assert trained.sample(text, amount=0.5, seed=seed).count(symbol_id) == 2
        assert trained.decode(trained.encode(text)) == text


def test_at_most_max_sentences_are_used_and_the_seed_chooses_which(tmp_path):
    def letters(seed):
        texts = (f"{chr(0x4E00 + i)}{chr(0x4E00 + i)}" for i in range(500))
        trained = train(
            tmp_path / "m", texts, seed=seed, vocab_size=16, max_sentences=10, byte_fallback=False
        )
        return {chr(0x4E00 + i) for i in range(500) if trained.piece_to_id(chr(0x4E00 + i)) != 1}

    first, second = letters(1), letters(2)
    assert len(first) == len(second) == 10
    assert first != second
    assert max(first) > chr(0x4E00 + 100)  # from everywhere, not from the start
    assert letters(1) == first


def test_every_sentence_is_as_likely_to_be_used(tmp_path):
    from mtcli.tokenizer.train import _choose

    counts = [0] * 20
    for seed in range(2000):
        for text in _choose((str(i) for i in range(20)), 5, seed).sentences:
            counts[int(text)] += 1
    # 500 expected, standard deviation 19
    assert all(400 < count < 600 for count in counts)


def test_long_sentences_are_left_out_and_counted(path, caplog):
    texts = [*sentences(), "Q" * (MAX_SENTENCE_BYTES + 1), ""]
    with caplog.at_level(logging.INFO):
        trained = train(path, texts)
    assert caplog.messages == [
        f"{path}: training on 400 of 402 sentences (omitted: 1 blank, 1 longer than 4192 bytes)"
    ]
    assert trained.piece_to_id("Q") == 1
    kept = train(path, [*sentences(), "Q" * MAX_SENTENCE_BYTES])
    assert kept.piece_to_id("Q") != 1


def test_a_sentence_with_anything_in_it_does_no_harm(path):
    odd = ["ba\0ko", "ba\tko", "\u2585 ba", "ba\nko", "\ud800", "\r", "\x85", "</s> <s>"]
    trained = train(path, [*sentences(), *odd])
    assert trained.decode(trained.encode("ba ko")) == "ba ko"


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "t.model"
    with pytest.raises(RunFolderError) as caught:
        train(path, sentences())
    assert str(caught.value) == f"cannot write {path}: File exists ({tmp_path / 'file'})"


def test_what_a_killed_training_left_goes(path):
    code = (
        "import os, sys; from pathlib import Path; import mtcli.tokenizer.train as train\n"
        "os.fsync = lambda _: os._exit(1)\n"
        "from tests.support.tokenizers import sentences\n"
        "config = train.TokenizerConfig(vocab_size=300)\n"
        "train.train_tokenizer(sentences(), config, seed=1, model_path=Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=root)
    (leftover,) = path.parent.iterdir()
    assert leftover != path
    train(path, sentences())
    assert list(path.parent.iterdir()) == [path]


def test_a_model_is_replaced_at_once_and_nothing_else_is_left(path):
    train(path, sentences())
    old = path.read_bytes()
    with pytest.raises(TokenizerError):
        train(path, sentences(), vocab_size=100_000)
    assert path.read_bytes() == old
    train(path, sentences(), vocab_size=310)
    assert path.read_bytes() != old
    assert list(path.parent.iterdir()) == [path]


def test_another_error_of_sentencepiece_keeps_its_traceback(path, monkeypatch):
    def fail(**_):
        raise RuntimeError("INTERNAL: something else")

    monkeypatch.setattr(sentencepiece.SentencePieceTrainer, "train", fail)
    with pytest.raises(RuntimeError, match="INTERNAL: something else"):
        train(path, sentences())


def test_sentencepiece_is_silent(path, capfd):
    train(path, sentences())
    with pytest.raises(TokenizerError):
        train(path, sentences(), vocab_size=100_000)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_one_tokenizer_for_both_sides(tmp_path):
    pairs = [(text, text.upper()) for text in sentences()]
    config = TokenizerConfig(vocab_size=320)
    paths = train_tokenizers(lambda: pairs, config, seed=1, folder=tmp_path)
    assert paths == {SHARED_TOKENIZER: tmp_path / "tokenizer.model"}
    trained = SentencePieceTokenizer(paths[SHARED_TOKENIZER])
    assert trained.piece_to_id("b") != 1
    assert trained.piece_to_id("B") != 1


def test_one_tokenizer_for_each_side(tmp_path):
    pairs = [(text, text.upper()) for text in sentences()]
    config = TokenizerConfig(vocab_size=300, shared=False)
    paths = train_tokenizers(lambda: iter(pairs), config, seed=1, folder=tmp_path)
    assert (
        list(paths)
        == [SRC_TOKENIZER, TGT_TOKENIZER]
        == ["tokenizer.src.model", "tokenizer.tgt.model"]
    )
    src, tgt = map(SentencePieceTokenizer, paths.values())
    assert [src.piece_to_id("b") != 1, src.piece_to_id("B") != 1] == [True, False]
    assert [tgt.piece_to_id("b") != 1, tgt.piece_to_id("B") != 1] == [False, True]


def test_a_refusal_says_which_side(tmp_path):
    pairs = [(text, "a") for text in sentences()]
    config = TokenizerConfig(vocab_size=300, shared=False)
    with pytest.raises(TokenizerError, match=r"tokenizer\.tgt\.model: `tokenizer\.vocab_size` is"):
        train_tokenizers(lambda: pairs, config, seed=1, folder=tmp_path)
