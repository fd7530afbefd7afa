import time
from itertools import pairwise

import numpy as np
import pytest

from mtcli.data.plan import Plan, split


def lengths(num_pairs, seed, low=3, high=40):
    return np.random.default_rng(seed).integers(low, high + 1, num_pairs).astype(np.int32)


def make_plan(num_pairs=5000, *, shard_size=1000, tokens_per_update=1000, seed=1, pool_shards=2):
    src, tgt = lengths(num_pairs, 1), lengths(num_pairs, 2)
    sizes = [min(shard_size, num_pairs - start) for start in range(0, num_pairs, shard_size)]
    plan = Plan(
        sizes, src, tgt, tokens_per_update=tokens_per_update, seed=seed, pool_shards=pool_shards
    )
    return plan, src, tgt


def sets(updates):
    return [frozenset(pairs.tolist()) for pairs in updates]


def test_updates_are_near_the_budget_and_never_over_it():
    plan, _, tgt = make_plan(50_000, shard_size=50_000)
    tokens = np.array([(tgt[pairs] + 1).sum() for pairs in plan.updates(0)])
    assert tokens.max() <= 1000
    assert tokens.mean() > 0.97 * 1000
    # no update is a small rest
    assert np.quantile(tokens, 0.01) > 0.9 * 1000


def test_an_update_is_no_more_than_needed():
    # the fewest updates that a budget allows: cutting by hand from the left
    plan, _, tgt = make_plan(3000, shard_size=3000, tokens_per_update=500)
    count, room = 0, 0
    for length in np.sort(tgt) + 1:
        if length > room:
            count, room = count + 1, 500
        room -= length
    assert plan.num_updates(0) == count


def test_pairs_of_an_update_are_of_similar_lengths():
    plan, src, tgt = make_plan(100_000, shard_size=100_000, tokens_per_update=4000)
    spreads = [(np.ptp(tgt[pairs]), np.ptp(src[pairs])) for pairs in plan.updates(0)]
    tgt_spread, src_spread = np.mean(spreads, axis=0)
    assert tgt_spread < 0.5
    assert src_spread < 5


def test_padding_is_small():
    plan, src, tgt = make_plan(200_000, shard_size=200_000, tokens_per_update=4096)
    num_cells, num_tokens = 0, 0
    for pairs in plan.updates(0):
        for part in split(pairs, src[pairs] + 1, tgt[pairs] + 1, world_size=1, max_tokens=4096)[0]:
            for side in (src, tgt):
                num_cells += len(part) * (int(side[part].max()) + 1)
                num_tokens += int((side[part] + 1).sum())
    assert num_tokens / num_cells > 0.97


def test_epochs_and_seeds_order_differently_but_lose_nothing():
    plan, _, _ = make_plan()
    other, _, _ = make_plan(seed=2)
    runs = [sets(plan.updates(0)), sets(plan.updates(1)), sets(other.updates(0))]
    for run in runs:
        assert sorted(pair for pairs in run for pair in pairs) == list(range(5000))
    assert runs[0] != runs[1] != runs[2] != runs[0]
    # not only their order differs
    assert len(set(runs[0]) & set(runs[1])) < 0.1 * len(runs[0])


def test_long_and_short_updates_are_mixed():
    plan, _, tgt = make_plan(shard_size=5000)
    means = [tgt[pairs].mean() for pairs in plan.updates(0)]
    rising = sum(later > earlier for earlier, later in pairwise(means))
    assert 0.35 < rising / len(means) < 0.65


def test_pools_take_other_shards_each_epoch():
    plan, _, _ = make_plan(pool_shards=1)
    firsts = {int(next(plan.updates(epoch))[0]) // 1000 for epoch in range(20)}
    assert len(firsts) > 2


def test_ties_are_in_random_order():
    same = np.full(100, 4, dtype=np.int32)
    plan = Plan([100], same, same, tokens_per_update=50, seed=1)
    assert len({sets(plan.updates(epoch))[0] for epoch in range(5)}) == 5


def test_a_corpus_below_the_budget_is_one_update():
    plan, _, _ = make_plan(10, tokens_per_update=10_000)
    assert [sorted(pairs) for pairs in plan.updates(3)] == [list(range(10))]


def test_a_target_over_the_budget_is_a_bug_of_the_caller():
    src = tgt = np.array([5, 99], dtype=np.int32)
    with pytest.raises(ValueError, match="a target of 100 tokens exceeds tokens_per_update=99"):
        Plan([2], src, tgt, tokens_per_update=99, seed=1)
    assert Plan([2], src, tgt, tokens_per_update=100, seed=1).num_updates(0) == 2


def test_entering_late_plans_one_pool_only(monkeypatch):
    plan, _, _ = make_plan(pool_shards=1)
    planned = []
    cut = plan._cut
    monkeypatch.setattr(plan, "_cut", lambda *args: (planned.append(args[-1]), cut(*args))[1])
    next(plan.updates(0, start=plan.num_updates(0) - 1))
    assert planned == [4]


def test_planning_a_million_pairs_takes_about_a_second():
    src, tgt = lengths(2**20, 1), lengths(2**20, 2)
    started_at_s = time.perf_counter()
    plan = Plan([2**20], src, tgt, tokens_per_update=25_000, seed=1)
    next(plan.updates(0, start=500))
    assert time.perf_counter() - started_at_s < 3  # 0.25 s on a quiet core; the machine is shared


# ---------------------------------------------------------------------------------------- split


def test_what_fits_is_one_micro_batch():
    pairs = np.array([7, 8, 9])
    parts = split(pairs, np.array([2, 4, 1]), np.array([3, 3, 3]), world_size=1, max_tokens=12)
    assert [[part.tolist() for part in share] for share in parts] == [[[9, 7, 8]]]


def test_the_longer_side_counts():
    pairs = np.arange(3)
    ones, long = np.array([1, 1, 1]), np.array([1, 1, 4])
    for src, tgt in ((ones, long), (long, ones)):
        parts = split(pairs, src, tgt, world_size=1, max_tokens=11)
        assert sorted(len(part) for part in parts[0]) == [1, 2]


def test_ranks_get_about_equal_shares():
    src, tgt = lengths(2000, 1) + 1, lengths(2000, 2) + 1
    shares = split(np.arange(2000), src, tgt, world_size=3, max_tokens=4096)
    loads = [
        sum(len(part) * np.maximum(src, tgt)[part].max() for part in share) for share in shares
    ]
    assert max(loads) < 1.1 * min(loads)
    assert [len(share) for share in shares] == [len(shares[0])] * 3


def test_fewer_pairs_than_ranks_leaves_empty_micro_batches():
    shares = split(np.array([5]), np.array([2]), np.array([3]), world_size=3, max_tokens=10)
    assert sorted([part.tolist() for part in share] for share in shares) == [[[]], [[]], [[5]]]
    assert all(part.dtype == np.int64 for share in shares for part in share)


def test_no_more_micro_batches_than_needed():
    src = tgt = np.full(10, 4)
    for max_tokens, num_each in ((40, 1), (39, 2), (20, 2), (19, 3), (4, 10)):
        (share,) = split(np.arange(10), src, tgt, world_size=1, max_tokens=max_tokens)
        assert len(share) == num_each


def test_a_pair_over_the_limit_is_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="a pair of 11 tokens exceeds max_tokens=10"):
        split(np.array([0]), np.array([11]), np.array([3]), world_size=1, max_tokens=10)
