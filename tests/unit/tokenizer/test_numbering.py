"""Vocabularies that are kept beside SentencePiece's own: other ids, other pieces."""

import random
from pathlib import Path

import pytest
import sentencepiece

from mtcli.errors import TokenizerError
from mtcli.tokenizer.numbering import split_vocabulary, with_vocabulary
from mtcli.tokenizer.protocol import EOS_ID, PAD_ID, UNK_ID
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from tests.support.tokenizers import sentences, tokenizer

LACKING = 5
"""Pieces of the file that the vocabulary lacks."""


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def files(request, tmp_path_factory):
    """A SentencePiece file, one with a vocabulary, and that vocabulary."""
    own = tokenizer(request.param, byte_fallback=False, vocab_size=120)
    pieces = [own.id_to_piece(i) for i in range(4, own.vocab_size)]
    random.Random(1).shuffle(pieces)
    pieces = ["<pad>", "<unk>", pieces[LACKING], "</s>", *pieces[LACKING + 1 :], ">>deu<<", "ß"]
    path = tmp_path_factory.mktemp("numbering") / "tokenizer.model"
    content = own.path.read_bytes()
    path.write_bytes(with_vocabulary(content, pieces, [len(pieces) - 2]))
    return own.path, path, pieces


def test_ids_are_the_places_of_the_pieces_in_the_vocabulary(files):
    own_path, path, pieces = files
    own, renumbered = SentencePieceTokenizer(own_path), SentencePieceTokenizer(path)
    assert renumbered.vocab_size == len(pieces)
    texts = sentences(30)
    num_unknown = 0
    for text, ids in zip(texts, renumbered.encode_batch(texts), strict=True):
        want = [pieces.index(p) if p in pieces else UNK_ID for p in own.encode_pieces(text)]
        assert ids == renumbered.encode(text) == want
        assert renumbered.encode_pieces(text) == [pieces[i] for i in ids]
        num_unknown += UNK_ID in ids
        if UNK_ID not in ids:
            assert renumbered.decode([PAD_ID, *ids, EOS_ID]) == own.decode(own.encode(text))
    assert 0 < num_unknown < 30
    assert [renumbered.piece_to_id(piece) for piece in pieces] == list(range(len(pieces)))
    assert renumbered.piece_to_id("no such piece") == UNK_ID
    assert renumbered.decode([UNK_ID]) == own.decode([UNK_ID])


def test_a_character_that_only_the_vocabulary_knows_has_its_id(files):
    _, path, pieces = files
    renumbered = SentencePieceTokenizer(path)
    ids = renumbered.encode("baß")
    assert ids[-1] == pieces.index("ß")
    assert renumbered.decode(ids) == "baß"


def test_control_pieces_are_never_spelled_and_give_no_text(files):
    _, path, pieces = files
    renumbered = SentencePieceTokenizer(path)
    tag = pieces.index(">>deu<<")
    for text in (">>deu<< ba", "<pad></s> ba", "<unk>"):
        assert {PAD_ID, EOS_ID, tag}.isdisjoint(renumbered.encode(text))
    ids = renumbered.encode("koba")
    assert renumbered.decode([tag, *ids]) == renumbered.decode(ids)


def test_random_segmentations_have_the_vocabulary_s_ids(files):
    own_path, path, pieces = files
    own, renumbered = SentencePieceTokenizer(own_path), SentencePieceTokenizer(path)
    for seed, text in enumerate(sentences(20)):
        ids = renumbered.sample(text, amount=0.3, seed=seed)
        theirs = [own.id_to_piece(i) for i in own.sample(text, amount=0.3, seed=seed)]
        assert ids == [pieces.index(piece) if piece in pieces else UNK_ID for piece in theirs]
        assert renumbered.sample(text, amount=0, seed=seed) == renumbered.encode(text)


def test_the_file_without_its_vocabulary_is_the_one_that_it_was(files):
    own_path, path, pieces = files
    content, (found, control) = split_vocabulary(path.read_bytes())
    assert content == own_path.read_bytes()
    assert (found, control) == (pieces, [len(pieces) - 2])
    assert split_vocabulary(content) == (content, None)
    processor = sentencepiece.SentencePieceProcessor()
    processor.load_from_serialized_proto(path.read_bytes())  # which ignores the vocabulary
    assert processor.vocab_size() == SentencePieceTokenizer(own_path).vocab_size


@pytest.mark.parametrize("size", [10, 127, 128, 8146 - 40, 8146, 70_000])
def test_a_vocabulary_of_any_size_is_found(size):
    pieces = [str(i) for i in range(4)] + ["x" * size, "\ud2ff?"]
    content = b"\xd2\x3f" * 3
    assert split_vocabulary(with_vocabulary(content, pieces, [4])) == (content, (pieces, [4]))


@pytest.mark.parametrize(
    ("pieces", "control", "why"),
    [
        (["a", "b", "c", "d", "d"], [], "its vocabulary is not a list of different pieces"),
        (["a", "b", "c", "d"], [], "its vocabulary is not a list of different pieces"),
        (["a", "b", "c", "d", 5], [], "its vocabulary is not a list of different pieces"),
        (["a", "b", "c", "d", "e"], [5], "its vocabulary is not a list of different pieces"),
        (["a", "b", "c", "d", "e"], [True], "its vocabulary is not a list of different pieces"),
    ],
)
def test_a_damaged_vocabulary_is_refused(files, tmp_path: Path, pieces, control, why):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(with_vocabulary(files[0].read_bytes(), pieces, control))
    with pytest.raises(TokenizerError) as info:
        SentencePieceTokenizer(path)
    assert str(info.value) == f"{path} is damaged: {why}"


def test_a_vocabulary_that_is_not_json_is_refused(files, tmp_path: Path):
    content = with_vocabulary(files[0].read_bytes(), ["a", "b", "c", "d", "e"], [])
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content.replace(b'"pieces":', b'"pieces" '))
    with pytest.raises(TokenizerError) as info:
        SentencePieceTokenizer(path)
    assert str(info.value) == f"{path} is damaged: its vocabulary cannot be read"
