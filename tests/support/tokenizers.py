"""A made-up language, and tokenizers trained on it."""

import random
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from mtcli.config.schema.tokenizer import TokenizerConfig
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
