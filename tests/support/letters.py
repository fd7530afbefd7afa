"""A small real tokenizer of the tests: pieces are one or two letters of a-z and space."""

import random

from mtcli.tokenizer.protocol import UNK_ID

LETTERS = "abcdefghijklmnopqrstuvwxyz "
PIECES = ["<pad>", "<unk>", "<s>", "</s>", *LETTERS, *(a + b for a in LETTERS for b in LETTERS)]
IDS = {piece: i for i, piece in enumerate(PIECES)}


class LetterTokenizer:
    """Implements the Tokenizer protocol; its best segmentation takes two letters at a time."""

    def __init__(self, vocab_size: int = len(PIECES)) -> None:
        self.vocab_size = vocab_size

    def normalize(self, text):
        return " ".join(text.lower().split())

    def encode(self, text):
        text = self.normalize(text)
        return [self.piece_to_id(text[i : i + 2]) for i in range(0, len(text), 2)]

    def encode_batch(self, texts, num_threads=1):
        return [self.encode(text) for text in texts]

    def encode_pieces(self, text):
        return [self.id_to_piece(i) for i in self.encode(text)]

    def sample(self, text, *, amount, seed):
        text, rng, ids = self.normalize(text), random.Random(seed), []
        while text:
            size = 1 if rng.random() < amount else 2
            ids.append(self.piece_to_id(text[:size]))
            text = text[size:]
        return ids

    def decode(self, ids):
        return "".join(PIECES[i] for i in ids if i > UNK_ID + 2)

    def decode_batch(self, batch):
        return [self.decode(ids) for ids in batch]

    def id_to_piece(self, piece_id):
        return PIECES[piece_id]

    def piece_to_id(self, piece):
        return IDS.get(piece, UNK_ID)
