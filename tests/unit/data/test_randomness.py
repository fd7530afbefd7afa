from itertools import islice

import numpy as np

from mtcli.data.randomness import Purpose, random_key_stream, random_keys, sampling_seed


def test_keys_are_these_whatever_the_version_of_numpy():
    # by numpy 2.4.6; a run that resumes under another version needs the same
    assert random_keys(3, 1, Purpose.TIES, 0, 5).tolist() == [
        12617538917100153244,
        13986834114449594595,
        17037210975172712314,
    ]


def test_every_argument_matters():
    arguments = [
        (1, Purpose.TIES, 0, 0),
        (2, Purpose.TIES, 0, 0),
        (1, Purpose.UPDATE_ORDER, 0, 0),
        (1, Purpose.TIES, 1, 0),
        (1, Purpose.TIES, 0, 1),
    ]
    assert len({tuple(random_keys(4, *each).tolist()) for each in arguments}) == len(arguments)


def test_a_longer_draw_begins_like_a_shorter_one_and_none_is_empty():
    assert random_keys(9, 3, Purpose.TIES)[:4].tolist() == random_keys(4, 3, Purpose.TIES).tolist()
    assert random_keys(0, 3, Purpose.TIES).tolist() == []


def test_a_stream_of_keys_gives_the_same_keys_one_by_one():
    keys = random_keys(10_000, 3, Purpose.HOLDOUT).tolist()
    assert list(islice(random_key_stream(3, Purpose.HOLDOUT), 10_000)) == keys


def test_sorting_by_keys_gives_every_permutation_equally_often():
    counts = np.zeros((5, 5))
    for epoch in range(1000):
        order = np.argsort(random_keys(5, 1, Purpose.SHARD_ORDER, epoch))
        counts[order, np.arange(5)] += 1
    # 200 expected, standard deviation 12.6
    assert abs(counts - 200).max() < 4.5 * 12.6


def test_sampling_seeds_differ_by_side_epoch_and_pair():
    seeds = {
        sampling_seed(seed, side, epoch=epoch, pair=pair)
        for seed in (1, 11)
        for side in (Purpose.SAMPLE_SRC, Purpose.SAMPLE_TGT)
        for epoch in (0, 1, 11)
        for pair in (0, 1, 11, 2**40)
    }
    assert len(seeds) == 48
    assert all(0 <= seed < 2**32 for seed in seeds)
