"""A toy tokenizer, and real ones trained on made-up languages."""

import random
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from tempfile import mkdtemp

from mtcli.config.schema.tokenizer import TokenizerConfig
from mtcli.tokenizer.protocol import SEPARATOR
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.tokenizer.train import train_tokenizer

SYLLABLES = ["ba", "ko", "tir", "mel", "un", "sha", "ro", "ni", "der", "ost", "li", "gra"]


def sentences(count=400, seed=0):
    generator = random.Random(seed)
    words = [
        "".join(generator.choice(SYLLABLES) for _ in range(generator.randint(1, 4)))
        for _ in range(150)
    ]
    return [
        " ".join(generator.choice(words) for _ in range(generator.randint(3, 9)))
        + generator.choice(".!?")
        for _ in range(count)
    ]


@lru_cache
def tokenizer(algorithm="bpe", *, symbols=(), **keys):
    """A tokenizer of 340 pieces, trained once a test process."""
    defaults = {"vocab_size": 340, "byte_fallback": True}
    config = TokenizerConfig(
        algorithm=algorithm, user_symbols=list(symbols), **{**defaults, **keys}
    )
    path = Path(mkdtemp()) / "tokenizer.model"
    train_tokenizer(sentences(), config, seed=1, model_path=path)
    return SentencePieceTokenizer(path)


WORDS = ("ralo", "teku", "minaro", "sef", "dolu", "pav", "erin", "kostu")
WORDS_VOCAB_SIZE = 300


def train_on_words(path: Path, words: Sequence[str] = WORDS) -> None:
    """Write a SentencePiece model with byte fallback to `path`, which knows a few words."""
    texts = [f"{a} {b} {c}." for a in words for b in words for c in words]
    config = TokenizerConfig(vocab_size=WORDS_VOCAB_SIZE, byte_fallback=True)
    train_tokenizer(texts, config, seed=1, model_path=path)


_FIRST_ID = 4  # after the special ids
_LETTERS = "abcdefghijklmnopqrstuvwxyz "
_PAIRS = {a + b: chr(0xE000 + i) for i, (a, b) in enumerate(product(_LETTERS, repeat=2))}
_CHARACTERS = {character: pair for pair, character in _PAIRS.items()}
_SEPARATOR = "\uf000"


class ToyTokenizer:
    """Every character is a piece, and so is, if `longest` is 2, every pair of letters.

    The id of a character is its code point + 4. White space around a text is none.
    """

    def __init__(self, *, longest: int = 1, vocab_size: int = 0x110000 + _FIRST_ID) -> None:
        self._longest, self.vocab_size = longest, vocab_size

    def normalize(self, text: str) -> str:
        return text.strip()

    def encode(self, text: str) -> list[int]:
        return self.sample(text, amount=0.0, seed=0)

    def encode_batch(self, texts: Sequence[str], num_threads: int = 1) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def normalize_and_encode(self, texts: Sequence[str], num_threads: int = 1):
        return [self.normalize(text) for text in texts], self.encode_batch(texts, num_threads)

    def encode_pieces(self, text: str) -> list[str]:
        return [self.id_to_piece(piece_id) for piece_id in self.encode(text)]

    def sample(self, text: str, *, amount: float, seed: int) -> list[int]:
        text, generator, ids = self.normalize(text), random.Random(seed), []
        while text:
            is_pair = self._longest == 2 and text[:2] in _PAIRS and generator.random() >= amount
            piece = text[: 2 if is_pair else 1]
            ids.append(self.piece_to_id(piece))
            text = text[len(piece) :]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.id_to_piece(piece_id) for piece_id in ids)

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        return [self.decode(ids) for ids in batch]

    def id_to_piece(self, piece_id: int) -> str:
        character = chr(piece_id - _FIRST_ID)
        return _CHARACTERS.get(character, character) if self._longest == 2 else character

    def piece_to_id(self, piece: str) -> int:
        return ord(_SEPARATOR if piece == SEPARATOR else _PAIRS.get(piece, piece)) + _FIRST_ID
