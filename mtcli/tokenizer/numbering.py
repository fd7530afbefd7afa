"""How the pieces of a SentencePiece file are numbered: as in the file, or as another toolkit's
vocabulary numbers them.

Marian and Hugging Face keep a vocabulary beside the SentencePiece file: a list of pieces, whose
places are the ids. Two files may share it, it may lack pieces of the file, and it may have pieces
that the file lacks, such as tags of languages. A model folder keeps it at the end of the file, so
that a copied file is complete. SentencePiece ignores that field.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from mtcli.tokenizer.model_file import ModelFile, Piece, PieceKind, encoded_varint
from mtcli.tokenizer.protocol import EOS_ID, PAD_ID, SPACE, UNK_ID

if TYPE_CHECKING:
    import sentencepiece

_KEY = b"\xd2\x3f"
"""Field 1018 of the file's top level, of variable length; fields from 200 on are free for others
than SentencePiece."""

_FEWEST_PIECES = 5
"""The special ones, and one of text."""


class Numbering(Protocol):
    """Text to ids and back, without normalization."""

    @property
    def vocab_size(self) -> int:
        """Number of pieces; ids are 0 .. vocab_size - 1."""
        ...

    def encode(self, text: str) -> list[int]:
        """Ids of the best segmentation."""
        ...

    def encode_batch(self, texts: list[str], num_threads: int) -> list[list[int]]:
        """The same, text by text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; special pieces give nothing, UNK gives U+2047 between spaces."""
        ...

    def id_to_piece(self, piece_id: int) -> str:
        """The piece of an id."""
        ...

    def piece_to_id(self, piece: str) -> int:
        """The id of a piece, UNK_ID if there is no such piece."""
        ...

    def renumbered(self, model: ModelFile) -> ModelFile:
        """The pieces of the file in the order of their ids; behind them those without one."""
        ...

    def known(self, ids: list[int]) -> list[int]:
        """Ids of pieces in the order of `renumbered`, with UNK_ID for those without an id."""
        ...


class FileNumbering:
    """Ids are the places of the pieces in the file."""

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        self._processor = processor

    @property
    def vocab_size(self) -> int:
        """See `Numbering`."""
        return int(self._processor.vocab_size())

    def encode(self, text: str) -> list[int]:
        """See `Numbering`."""
        ids: list[int] = self._processor.encode(text, num_threads=1)
        return ids

    def encode_batch(self, texts: list[str], num_threads: int) -> list[list[int]]:
        """See `Numbering`."""
        try:
            batch: list[list[int]] = self._processor.encode(texts, num_threads=num_threads)
        except RuntimeError:  # it starts a thread even for one, which the system may not allow
            batch = [self._processor.encode(text) for text in texts]
        return batch

    def decode(self, ids: Sequence[int]) -> str:
        """See `Numbering`."""
        text: str = self._processor.decode([int(piece_id) for piece_id in ids])
        return text

    def id_to_piece(self, piece_id: int) -> str:
        """See `Numbering`."""
        piece: str = self._processor.id_to_piece(int(piece_id))
        return piece

    def piece_to_id(self, piece: str) -> int:
        """See `Numbering`."""
        return int(self._processor.piece_to_id(piece))

    def renumbered(self, model: ModelFile) -> ModelFile:
        """See `Numbering`."""
        return model

    def known(self, ids: list[int]) -> list[int]:
        """See `Numbering`."""
        return ids


class VocabularyNumbering:
    """Ids are the places of the pieces in a vocabulary that is not that of the file.

    As in Hugging Face's tokenizers, text becomes pieces first: of what the file has no piece for,
    the characters themselves. A piece that the vocabulary lacks is unknown.

    Args:
        processor: segments text.
        pieces: the vocabulary; padding, unknown and EOS have our ids.
        control_ids: pieces that no text spells and that give no text, such as tags of languages.
    """

    def __init__(
        self,
        processor: sentencepiece.SentencePieceProcessor,
        pieces: Sequence[str],
        control_ids: Collection[int],
    ) -> None:
        self._processor, self._pieces = processor, pieces
        self._silent_ids = frozenset(control_ids) | {PAD_ID, EOS_ID}
        self._unknown: str = processor.id_to_piece(processor.unk_id())

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {piece: i for i, piece in enumerate(self._pieces)}

    @cached_property
    def _ids_of_text(self) -> dict[str, int]:
        """Of the pieces that text may become."""
        silent = self._silent_ids | {UNK_ID}
        return {piece: i for piece, i in self._ids.items() if i not in silent}

    @property
    def vocab_size(self) -> int:
        """See `Numbering`."""
        return len(self._pieces)

    def encode(self, text: str) -> list[int]:
        """See `Numbering`."""
        return self._to_ids(self._processor.encode(text, out_type=str))

    def encode_batch(self, texts: list[str], num_threads: int) -> list[list[int]]:
        """See `Numbering`."""
        try:
            batch = self._processor.encode(texts, out_type=str, num_threads=num_threads)
        except RuntimeError:  # as in `FileNumbering`
            batch = [self._processor.encode(text, out_type=str) for text in texts]
        return [self._to_ids(pieces) for pieces in batch]

    def _to_ids(self, pieces: list[str]) -> list[int]:
        ids = self._ids_of_text
        return [ids.get(piece, UNK_ID) for piece in pieces]

    def decode(self, ids: Sequence[int]) -> str:
        """See `Numbering`."""
        pieces = [
            self._unknown if piece_id == UNK_ID else self._pieces[piece_id]
            for piece_id in ids
            if piece_id not in self._silent_ids
        ]
        text: str = self._processor.decode_pieces(pieces)
        # a piece that the file lacks keeps its space
        return text.removeprefix(SPACE).replace(SPACE, " ")

    def id_to_piece(self, piece_id: int) -> str:
        """See `Numbering`."""
        return self._pieces[piece_id]

    def piece_to_id(self, piece: str) -> int:
        """See `Numbering`."""
        return self._ids.get(piece, UNK_ID)

    def renumbered(self, model: ModelFile) -> ModelFile:
        """See `Numbering`."""
        of_file = {piece.text: piece for piece in model.pieces}
        numbered = [
            of_file.get(text, Piece(text, 0.0, PieceKind.UNUSED))
            if text in self._ids_of_text
            else Piece(text, 0.0, PieceKind.CONTROL)
            for text in self._pieces
        ]
        others = [piece for piece in model.pieces if piece.text not in self._ids_of_text]
        return ModelFile(model.algorithm, (*numbered, *others))

    def known(self, ids: list[int]) -> list[int]:
        """See `Numbering`."""
        size = len(self._pieces)
        return [i if i < size else UNK_ID for i in ids]


def with_vocabulary(content: bytes, pieces: Sequence[str], control_ids: Collection[int]) -> bytes:
    """A SentencePiece file with a vocabulary of its own.

    Args:
        content: the file.
        pieces: the vocabulary, each piece once; padding, unknown and EOS have our ids.
        control_ids: see `VocabularyNumbering`; BOS, if the vocabulary has one, is among them.
    """
    vocabulary = {"pieces": list(pieces), "control": sorted(control_ids)}
    field = json.dumps(vocabulary, separators=(",", ":")).encode("ascii")
    return content + _KEY + encoded_varint(len(field)) + field


def split_vocabulary(content: bytes) -> tuple[bytes, tuple[list[str], list[int]] | None]:
    """A SentencePiece file without its own vocabulary, and that: pieces, and ids of control pieces.

    Raises:
        ValueError: the vocabulary is damaged.
    """
    # the field is the last one, but its two bytes may be found anywhere, also in its size
    end = len(content)
    while (start := content.rfind(_KEY, 0, end)) >= 0:
        for num_bytes in range(1, 6):
            at = start + len(_KEY) + num_bytes
            if content[start + len(_KEY) : at] == encoded_varint(len(content) - at):
                if content[at : at + 1] == b"{":
                    return content[:start], _checked(content[at:])
                break
        end = start + 1
    return content, None


def _checked(field: bytes) -> tuple[list[str], list[int]]:
    try:
        vocabulary = json.loads(field)
        pieces, control = vocabulary["pieces"], vocabulary["control"]
    except (ValueError, KeyError, RecursionError) as error:
        raise ValueError("its vocabulary cannot be read") from error
    is_valid = (
        isinstance(pieces, list)
        and isinstance(control, list)
        and len(pieces) >= _FEWEST_PIECES
        and all(isinstance(piece, str) for piece in pieces)
        and len(set(pieces)) == len(pieces)
        and all(type(i) is int and 0 <= i < len(pieces) for i in control)
    )
    if not is_valid:
        raise ValueError("its vocabulary is not a list of different pieces")
    return pieces, control
