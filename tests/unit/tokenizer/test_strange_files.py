"""Tokenizers that a stranger has made: what is malformed is one sentence."""

import struct

import pytest

from mtcli.errors import TokenizerError
from mtcli.tokenizer.model_file import parse_model, user_symbols
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from tests.support.tokenizers import tokenizer

HINT = "hint: train one with `mtcli tokenizer train`"
CUT = "a field of it is cut or of an unknown type"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x0a", CUT),
        (b"\x0b", CUT),
        (b"\x0a\x03\x15\0\0", CUT),
        (b"\x0a\x02\x18\x63", "99 is not a valid PieceKind"),
        (b"\x12\x02\x18\x63", "99 is not a valid Algorithm"),
        (b"\x0a\x03\x0a\x01\xff", "'utf-8' codec can't decode byte 0xff"),
        (b"\x08" + b"\x80" * 1_000_000, "a number of it has no end"),
    ],
)
def test_a_malformed_file_is_a_value_error(content, what):
    with pytest.raises(ValueError, match=what):
        parse_model(content)
    with pytest.raises(ValueError, match=what):
        user_symbols(b"\x32\x03\x18\x04\x0a" + content)


def test_what_sentencepiece_passes_over_is_one_sentence(tmp_path):
    piece = b"\x0a\x04zzzz\x15" + struct.pack("<f", -9.0) + b"\x18\x63"
    path = tmp_path / "tokenizer.model"
    path.write_bytes(tokenizer().path.read_bytes() + b"\x0a" + bytes([len(piece)]) + piece)
    strange = SentencePieceTokenizer(path)
    with pytest.raises(TokenizerError) as caught:
        strange.sample("bako", amount=0.1, seed=1)
    assert str(caught.value) == f"{path} is damaged: 99 is not a valid PieceKind\n{HINT}"


def test_pieces_must_be_unicode(tmp_path):
    path = tmp_path / "tokenizer.model"
    content = tokenizer().path.read_bytes()
    start = "▁".encode()
    path.write_bytes(content.replace(start, b"\xff" + start[1:], 1))
    with pytest.raises(TokenizerError) as caught:
        SentencePieceTokenizer(path)
    assert str(caught.value) == (
        f"{path} is damaged: a piece is not UTF-8 (invalid start byte)\n{HINT}"
    )


def test_a_device_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "tokenizer.model"
    path.symlink_to("/dev/zero")
    with pytest.raises(TokenizerError) as caught:
        SentencePieceTokenizer(path)
    assert str(caught.value) == (
        f"{path} is not a SentencePiece model: it has more than 32 MiB\n{HINT}"
    )
