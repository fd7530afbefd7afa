"""Word dropout: all pieces of a word become the unknown piece."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mtcli.data.randomness import uniform_draws
from mtcli.tokenizer.protocol import SPACE, UNK_ID, Tokenizer


def word_starts(tokenizer: Tokenizer) -> npt.NDArray[np.bool_]:
    """Whether each piece begins a word; shape (vocab_size,)."""
    pieces = (tokenizer.id_to_piece(i) for i in range(tokenizer.vocab_size))
    return np.array([piece.startswith(SPACE) for piece in pieces])


def drop_words(
    flat_ids: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    *,
    starts_word: npt.NDArray[np.bool_],
    seeds: npt.NDArray[np.uint64],
    chance: float,
) -> npt.NDArray[np.int64]:
    """Replace each word, with probability `chance`, by as many UNK_ID as it has pieces.

    Args:
        flat_ids: ids of some sentences, one after the other, each of at least one piece.
        lengths: of these sentences, shape (B,).
        starts_word: see `word_starts`. The first piece of a sentence always begins a word; text
            without spaces is one word.
        seeds: one of each sentence, shape (B,).
        chance: from 0 to below 1.

    Source: Sennrich, Haddow & Birch 2016 (Edinburgh's systems, section 3.3.1) set the embeddings
    of a dropped word to 0; Bowman et al. 2016, section 3.1 take the unknown token, as here.
    """
    if not len(flat_ids):
        return flat_ids
    is_start = starts_word[flat_ids]
    firsts = np.cumsum(lengths) - lengths
    is_start[firsts] = True
    words = np.cumsum(is_start)
    words_in_row = words - np.repeat(words[firsts], lengths)
    is_dropped = uniform_draws(np.repeat(seeds, lengths), words_in_row) < chance
    return np.where(is_dropped, UNK_ID, flat_ids)
