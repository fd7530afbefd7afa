"""Pieces and ids that a user has written, as ids of a tokenizer."""

from __future__ import annotations

from mtcli.errors import TokenizerError
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer


def parse_id(tokenizer: SentencePieceTokenizer, text: str) -> int:
    """The id that the text spells in decimal digits.

    Raises:
        TokenizerError: it is not an id of the tokenizer.
    """
    if text.isascii() and text.isdigit() and int(text) < tokenizer.vocab_size:
        return int(text)
    raise TokenizerError(
        f"`{text}` is not a valid id for {tokenizer.path}",
        hint=f"use ids from 0 to {tokenizer.vocab_size - 1}, or drop `--ids` to decode pieces",
    )


def parse_piece(tokenizer: SentencePieceTokenizer, text: str) -> int:
    """The id of a piece.

    Raises:
        TokenizerError: it is not a piece of the tokenizer.
    """
    piece_id = tokenizer.piece_to_id(text)
    if tokenizer.id_to_piece(piece_id) == text:
        return piece_id
    raise TokenizerError(
        f"`{text}` is not a piece of {tokenizer.path}", hint="add `--ids` to decode ids"
    )
