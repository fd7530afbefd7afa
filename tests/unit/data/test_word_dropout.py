"""Word dropout: whole words, the probability, and nothing remembered."""

import numpy as np

from mtcli.data.randomness import uniform_draws
from mtcli.data.word_dropout import drop_words
from mtcli.tokenizer.protocol import UNK_ID

# pieces 4 and 5 begin words, 6 and 7 do not
STARTS = np.array([False, False, False, False, True, True, False, False])


def drop(rows, chance, seeds=None):
    lengths = np.array([len(row) for row in rows])
    seeds = np.arange(len(rows)) if seeds is None else seeds
    flat = drop_words(
        np.array([i for row in rows for i in row]),
        lengths,
        starts_word=STARTS,
        seeds=np.array(seeds, dtype=np.uint64),
        chance=chance,
    )
    return [part.tolist() for part in np.split(flat, np.cumsum(lengths)[:-1])]


def words_of(row):
    words = []
    for piece in row:
        if STARTS[piece] or not words:
            words.append([])
        words[-1].append(piece)
    return words


def test_words_are_dropped_whole_and_as_often_as_asked():
    rng = np.random.default_rng(0)
    rows = [rng.integers(4, 8, size=rng.integers(1, 20)).tolist() for _ in range(1500)]
    num_words = num_dropped = 0
    for row, got in zip(rows, drop(rows, 0.3), strict=True):
        place = 0
        for word in words_of(row):
            piece_now = got[place : place + len(word)]
            assert piece_now in (word, [UNK_ID] * len(word))
            num_words, num_dropped = num_words + 1, num_dropped + (piece_now != word)
            place += len(word)
        assert place == len(got)
    assert abs(num_dropped / num_words - 0.3) < 0.015


def test_a_row_does_not_know_its_neighbours():
    rows = [[4, 6, 5, 4], [6, 6, 4], [5], [4, 5, 4, 5, 4, 7]]
    together = drop(rows, 0.5, seeds=[3, 1, 4, 2])
    backwards = drop(rows[::-1], 0.5, seeds=[2, 4, 1, 3])
    assert together == backwards[::-1]
    assert together == [drop([r], 0.5, seeds=[s])[0] for r, s in zip(rows, [3, 1, 4, 2], strict=1)]


def test_draws_are_even_and_independent():
    seeds = np.repeat(np.arange(200, dtype=np.uint64), 50)
    draws = uniform_draws(seeds, np.tile(np.arange(50), 200))
    assert draws.min() >= 0
    assert draws.max() < 1
    counts, _ = np.histogram(draws, bins=20, range=(0, 1))
    assert counts.min() > 400  # 500 expected, standard deviation 22
    table = draws.reshape(200, 50)
    assert abs(np.corrcoef(table[:, 0], table[:, 1])[0, 1]) < 0.25
    assert abs(np.corrcoef(table[:-1, 0], table[1:, 0])[0, 1]) < 0.25
