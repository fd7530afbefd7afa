"""Group the sentences of documents that are read and translated together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def group_sentences(
    documents: Sequence[int],
    lengths: Sequence[Sequence[int]],
    max_pieces: int,
    max_sentences: int | None,
) -> list[range]:
    """Neighbours of a document in groups, each as long as the limits allow.

    Args:
        documents: the number of each sentence's document.
        lengths: for each side that counts, the pieces of each sentence.
        max_pieces: most pieces of a group on a side, with a separator between two sentences. A
            longer sentence is a group of its own.
        max_sentences: most sentences of a group; None: any number.
    """
    starts: list[int] = []
    totals = [0] * len(lengths)
    for place, document in enumerate(documents):
        with_this = [total + 1 + side[place] for total, side in zip(totals, lengths, strict=True)]
        if (
            not starts
            or document != documents[starts[-1]]
            or max(with_this) > max_pieces
            or place - starts[-1] == max_sentences
        ):
            starts.append(place)
            with_this = [side[place] for side in lengths]
        totals = with_this
    return [range(start, stop) for start, stop in pairwise([*starts, len(documents)])]


def join_sentences(sentences: Sequence[Sequence[int]], separator: int) -> list[int]:
    """The ids of sentences one after another, with a separator between two."""
    joined: list[int] = []
    for number, sentence in enumerate(sentences):
        if number:
            joined.append(separator)
        joined += sentence
    return joined


def split_sentences(ids: Sequence[int], separator: int) -> list[list[int]]:
    """The ids between separators; one more than there are separators."""
    sentences: list[list[int]] = [[]]
    for piece_id in ids:
        if piece_id == separator:
            sentences.append([])
        else:
            sentences[-1].append(piece_id)
    return sentences
