"""Give the pieces of another toolkit's vocabulary ids of ours, and the rows of its embeddings with
them.

Our special ids are the same in every model. A vocabulary need not have BOS: the decoder of such a
model starts with another special piece, and id 2 is that of an ordinary piece.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtcli.interchange.foreign import ForeignModelError
from mtcli.tokenizer.numbering import with_vocabulary

_NO_ROW = -1


@dataclass(frozen=True)
class SpecialIds:
    """Ids of the special pieces over there."""

    pad: int | None
    """None: the vocabulary has none, and gets one, whose row is zeros."""
    unk: int
    eos: int
    bos: int | None = None
    """None: the vocabulary has none."""


@dataclass(frozen=True)
class Renumbering:
    """Another toolkit's vocabulary in the order of our ids."""

    pieces: tuple[str, ...]
    """By our id."""
    rows: npt.NDArray[np.int64]
    """Their id of each of ours; -1 where they have none."""
    control_ids: tuple[int, ...]
    """Ids of ours that are no text: BOS, tags of languages, rows without a piece."""

    def take(self, array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Rows of an embedding, or values of a bias, in our order; 0 where they have none."""
        taken = array[np.maximum(self.rows, 0)]
        taken[self.rows == _NO_ROW] = 0
        return taken

    def tokenizer(self, content: bytes) -> bytes:
        """A SentencePiece file with this vocabulary."""
        return with_vocabulary(content, self.pieces, self.control_ids)


def renumber(
    pieces: Sequence[str], special: SpecialIds, control: Collection[int] = ()
) -> Renumbering:
    """Order a vocabulary by our ids: the special pieces first, the others as they were.

    Args:
        pieces: by their ids over there, each once.
        special: their ids of the special pieces.
        control: their ids of other pieces that are no text.

    Raises:
        ForeignModelError: two special pieces are one.
    """
    kinds = {"padding": special.pad, "unknown": special.unk, "EOS": special.eos, "BOS": special.bos}
    given = {kind: piece_id for kind, piece_id in kinds.items() if piece_id is not None}
    if len(set(given.values())) < len(given):
        told = ", ".join(f"{kind} {piece_id}" for kind, piece_id in given.items())
        raise ForeignModelError(f"two special pieces of the vocabulary have the same id: {told}")
    named = {special.pad, special.unk, special.eos, special.bos}
    others = [i for i in range(len(pieces)) if i not in named]
    third = others.pop(0) if special.bos is None else special.bos
    pad = _NO_ROW if special.pad is None else special.pad
    rows = [pad, special.unk, third, special.eos, *others]
    silent = set(control) | ({special.bos} if special.bos is not None else set())
    return Renumbering(
        pieces=tuple("<pad>" if i == _NO_ROW else pieces[i] for i in rows),
        rows=np.array(rows, dtype=np.int64),
        control_ids=tuple(ours for ours, theirs in enumerate(rows) if theirs in silent),
    )
