"""Invariant 6: the plan can be entered anywhere, loses nothing, and any world splits it alike."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.data.plan import Plan, split


@st.composite
def corpora(draw):
    """Shard sizes, source and target lengths without EOS, a budget, a seed."""
    shard_sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=7))
    num_pairs = sum(shard_sizes)
    longest = draw(st.sampled_from([1, 5, 40]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    src, tgt = rng.integers(1, longest + 1, (2, num_pairs), dtype=np.int32)
    tokens_per_update = draw(st.integers(longest + 1, 8 * longest + 10))
    plan = Plan(
        shard_sizes,
        src,
        tgt,
        tokens_per_update=tokens_per_update,
        seed=draw(st.integers(0, 2**40)),
        pool_shards=draw(st.integers(1, 4)),
    )
    return plan, src, tgt


@settings(max_examples=100, deadline=None)
@given(corpus=corpora(), epoch=st.integers(0, 3))
def test_every_pair_is_in_one_update_and_no_update_is_over_budget(corpus, epoch):
    plan, _, tgt = corpus
    updates = list(plan.updates(epoch))
    assert sorted(np.concatenate(updates).tolist()) == list(range(len(tgt)))
    assert all(0 < (tgt[pairs] + 1).sum() <= plan.tokens_per_update for pairs in updates)
    assert len(updates) == plan.num_updates(epoch)


@settings(max_examples=50, deadline=None)
@given(corpus=corpora(), epoch=st.integers(0, 3), data=st.data())
def test_entering_at_any_update_gives_the_rest(corpus, epoch, data):
    plan, _, _ = corpus
    whole = [pairs.tolist() for pairs in plan.updates(epoch)]
    start = data.draw(st.integers(0, len(whole) + 2))
    assert [pairs.tolist() for pairs in plan.updates(epoch, start)] == whole[start:]


@settings(max_examples=100, deadline=None)
@given(corpus=corpora(), spare=st.integers(0, 200), data=st.data())
def test_every_world_splits_an_update_into_the_same_pairs(corpus, spare, data):
    plan, src, tgt = corpus
    index = data.draw(st.integers(0, plan.num_updates(0) - 1))
    pairs = next(plan.updates(0, index))
    src_lengths, tgt_lengths = src[pairs] + 1, tgt[pairs] + 1
    longest = np.maximum(src, tgt) + 1
    max_tokens = int(longest[pairs].max()) + spare
    for world_size in (1, 2, 3, 4):
        shares = split(
            pairs, src_lengths, tgt_lengths, world_size=world_size, max_tokens=max_tokens
        )
        parts = [part for share in shares for part in share]
        assert sorted(np.concatenate(parts).tolist()) == sorted(pairs.tolist())
        assert all(len(part) * longest[part].max(initial=0) <= max_tokens for part in parts)
        assert len(shares) == world_size
        assert len({len(share) for share in shares}) == 1
        assert len(shares[0]) > 0


@pytest.mark.parametrize("stop", [0, 1, 17, 18, 19, 40])
def test_a_long_run_can_be_entered_across_epochs(stop):
    rng = np.random.default_rng(0)
    src, tgt = rng.integers(1, 30, (2, 500), dtype=np.int32)

    def run(epoch, start):
        # a fresh plan: nothing but (epoch, start) is carried over
        plan = Plan([200, 200, 100], src, tgt, tokens_per_update=500, seed=7, pool_shards=2)
        while True:
            for index, pairs in enumerate(plan.updates(epoch, start), start=start):
                yield epoch, index, pairs.tolist()
            epoch, start = epoch + 1, 0

    whole = list(islice(run(0, 0), 60))
    epoch, index, _ = whole[stop]
    assert list(islice(run(epoch, index), 60 - stop)) == whole[stop:]
