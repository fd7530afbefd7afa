"""Batches of pairs that nothing is drawn for, as for validation and for measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtcli.data.batches import Batch, make_batch
from mtcli.data.ragged import RaggedIds
from mtcli.tokenizer.protocol import BOS_ID, NO_TAGS, Tags


def batches_by_length(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    max_tokens: int,
    first_id: int,
    tags: Tags = NO_TAGS,
) -> list[Batch]:
    """All pairs, in batches of at most `max_tokens` padded cells of the longer side.

    `first_id` is what the decoder reads first, and `tags` are what stands before the texts.
    """
    num_more = max(len(tags.src), len(tags.tgt)) + 1  # with EOS
    batches: list[Batch] = []
    chosen: list[tuple[Sequence[int], Sequence[int]]] = []
    for pair in sorted(pairs, key=lambda pair: max(len(pair[0]), len(pair[1]))):
        longest = max(len(pair[0]), len(pair[1])) + num_more  # pairs come shortest first
        if chosen and (len(chosen) + 1) * longest > max_tokens:
            batches.append(batch_of(chosen, first_id, tags))
            chosen = []
        chosen.append(pair)
    if chosen:
        batches.append(batch_of(chosen, first_id, tags))
    return batches


def batch_of(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    first_id: int = BOS_ID,
    tags: Tags = NO_TAGS,
) -> Batch:
    """One batch of some pairs of ids; what the decoder reads first, tags and EOS are added."""
    src, tgt = (
        RaggedIds(
            np.array([i for pair in pairs for i in pair[side]], dtype=np.int64),
            np.array([len(pair[side]) for pair in pairs], dtype=np.int64),
        )
        for side in (0, 1)
    )
    return make_batch(src, tgt, start_id=first_id, tags=tags)
