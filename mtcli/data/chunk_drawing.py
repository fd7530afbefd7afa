"""What is drawn for chunks of documents: their pairs, joined by separators."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mtcli.data.document_plan import ChunkIds, DocumentPlan
from mtcli.data.drawing import PairDrawing
from mtcli.data.ragged import RaggedIds
from mtcli.data.store import Store


class ChunkDrawing:
    """Chunks as the model gets them in an epoch: a function of (seed, epoch, chunk) alone.

    Args:
        plan: says which pairs a chunk is made of.
        drawing: draws each pair, as it would be drawn if it stood alone.
        store: the pairs as they are.
        separators: ids of the piece between sentences, of source and target.
    """

    def __init__(
        self,
        plan: DocumentPlan,
        drawing: PairDrawing,
        store: Store,
        separators: tuple[int, int],
    ) -> None:
        self._plan, self._drawing, self._separators = plan, drawing, separators
        self._as_stored = PairDrawing(store, plan.seed, None)

    def draw(
        self, chunks: ChunkIds, epoch: int, epochs: float
    ) -> tuple[RaggedIds, RaggedIds, RaggedIds]:
        """Sources, targets to be predicted, and targets as the decoder reads them.

        A chunk that gets longer than the plan allows, because its words were cut into more pieces,
        is taken as it is in the store: the model's positions reach no further.
        """
        pairs, sizes = self._plan.pairs_of(epoch, chunks)
        drawn = self._drawing.draw(pairs, epoch, epochs)
        stored = self._as_stored.draw(pairs, epoch, epochs)
        is_too_long = np.zeros(len(chunks), dtype=bool)
        for new, old in zip(drawn, stored, strict=True):
            limit = np.maximum(self._plan.max_pieces, _lengths_of_chunks(old, sizes))
            is_too_long |= _lengths_of_chunks(new, sizes) > limit
        if is_too_long.any():
            is_kept = np.repeat(~is_too_long, sizes)
            drawn = (
                _chosen(drawn[0], stored[0], is_kept),
                _chosen(drawn[1], stored[1], is_kept),
                _chosen(drawn[2], stored[2], is_kept),
            )
        src, tgt, tgt_in = drawn
        src_separator, tgt_separator = self._separators
        return (
            src.joined(sizes, src_separator),
            tgt.joined(sizes, tgt_separator),
            tgt_in.joined(sizes, tgt_separator),
        )


def _lengths_of_chunks(sentences: RaggedIds, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Pieces of each chunk, separators counted."""
    starts = np.cumsum(sizes) - sizes
    return np.asarray(np.add.reduceat(sentences.lengths, starts) + sizes - 1)


def _chosen(drawn: RaggedIds, stored: RaggedIds, is_drawn: npt.NDArray[np.bool_]) -> RaggedIds:
    """Each sentence as it was drawn, or as it is stored."""
    both = RaggedIds(
        np.concatenate([drawn.flat_ids, stored.flat_ids]),
        np.concatenate([drawn.lengths, stored.lengths]),
    )
    num_sentences = len(is_drawn)
    rows = np.arange(num_sentences)
    return both.rows(np.where(is_drawn, rows, rows + num_sentences))
