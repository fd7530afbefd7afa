"""The interface of a tokenizer, and the special ids of every tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

PAD_ID = 0
UNK_ID = 1
BOS_ID = 2
EOS_ID = 3

TargetStart: TypeAlias = Literal["bos", "pad", "eos"]
"""What the decoder of a model reads first; `model.target_start`."""


def start_id(target_start: TargetStart) -> int:
    """The id that the decoder reads first."""
    return {"bos": BOS_ID, "pad": PAD_ID, "eos": EOS_ID}[target_start]


def forbidden_ids(target_start: TargetStart) -> tuple[int, ...]:
    """The ids that no translation may hold.

    A model that starts with another piece has learned nothing of BOS, and may have none: the id is
    then that of an ordinary piece.
    """
    return (PAD_ID, UNK_ID, BOS_ID) if target_start == "bos" else (PAD_ID, UNK_ID)


class Tags(NamedTuple):
    """Ids that a model reads before each text: pieces that name languages."""

    src: tuple[int, ...] = ()
    """Before a source."""
    tgt: tuple[int, ...] = ()
    """Before a target, behind what the decoder reads first."""


NO_TAGS = Tags()
"""Those of a model of one pair of languages."""

SHARED_TOKENIZER = "tokenizer.model"
"""File of the tokenizer in a run or model folder, if one serves both languages."""
SRC_TOKENIZER = "tokenizer.src.model"
TGT_TOKENIZER = "tokenizer.tgt.model"

SEPARATOR = "<sep>"
"""The piece between the sentences of a document, in tokenizers that are trained for documents. Text
never spells it."""

SPACE = "\u2581"
"""The character that SentencePiece writes for a space."""


class Tokenizer(Protocol):
    """Text to piece ids and back.

    For any text x, with byte fallback or if every character has a piece:
    decode(encode(x)) == decode(sample(x)) == normalize(x), and
    normalize(normalize(x)) == normalize(x). In all cases: no id of an encoding is PAD_ID, BOS_ID or
    EOS_ID, even if x spells those pieces.
    """

    @property
    def vocab_size(self) -> int:
        """Number of pieces, special ones included; ids are 0 .. vocab_size - 1."""
        ...

    def normalize(self, text: str) -> str:
        """The text as the tokenizer reads it: what decode(encode(text)) gives back."""
        ...

    def encode(self, text: str) -> list[int]:
        """Ids of the best segmentation, without BOS and EOS; empty for blank text."""
        ...

    def encode_batch(self, texts: Sequence[str], num_threads: int = 1) -> list[list[int]]:
        """The same as encode, text by text."""
        ...

    def normalize_and_encode(
        self, texts: Sequence[str], num_threads: int = 1
    ) -> tuple[list[str], list[list[int]]]:
        """The same as normalize and encode, text by text; faster than both one after the other."""
        ...

    def encode_pieces(self, text: str) -> list[str]:
        """The pieces of encode(text)."""
        ...

    def sample(self, text: str, *, amount: float, seed: int) -> list[int]:
        """Ids of a random segmentation, a function of its arguments alone.

        Args:
            text: the text to segment.
            amount: BPE-dropout probability, or for a unigram model the smoothing alpha, at least 0
                and below 1; 0 is `encode`.
            seed: any integer from 0.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; PAD, BOS and EOS give nothing, UNK gives U+2047 between spaces."""
        ...

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        """The same as decode, sequence by sequence."""
        ...

    def id_to_piece(self, piece_id: int) -> str:
        """The piece of an id."""
        ...

    def piece_to_id(self, piece: str) -> int:
        """The id of a piece, UNK_ID if there is no such piece."""
        ...
