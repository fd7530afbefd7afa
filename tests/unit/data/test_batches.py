import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.batches import BatchStream, Starts, make_batch
from mtcli.data.building import build_store
from mtcli.data.drawing import DrawSettings
from mtcli.data.plan import Plan
from mtcli.data.ragged import RaggedIds
from mtcli.data.store import open_store
from mtcli.tokenizer.protocol import Tags
from tests.support.tokenizers import ToyTokenizer

CONFIG = DataConfig(train=[TextSource(src=Path("a"), tgt=Path("b"))], max_length=40)
TOKENIZER = ToyTokenizer(longest=2)
LINE = "abcdefgh" * 10


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefgh"))
    pairs = [
        tuple("".join(rng.choice(letters, rng.integers(1, 60))) for _ in range(2))
        for _ in range(300)
    ]
    path = tmp_path_factory.mktemp("batches") / "store"
    build_store(pairs, tokenizers=(TOKENIZER, TOKENIZER), config=CONFIG, path=path, shard_size=100)
    return open_store(path)


def stream(store, *, max_tokens=150, amount=0.0, **world):
    plan = Plan(
        store.shard_sizes, store.src_lengths, store.tgt_lengths, tokens_per_update=400, seed=1
    )
    draws = DrawSettings(TOKENIZER, TOKENIZER, amount, amount) if amount else None
    return BatchStream(store, plan, max_tokens=max_tokens, draws=draws, **world)


def sentences(*rows):
    return RaggedIds(
        np.array([i for row in rows for i in row], dtype=np.int64),
        np.array([len(row) for row in rows], dtype=np.int64),
    )


def test_a_batch_by_hand():
    batch = make_batch(sentences([5, 6], [7]), sentences([8], [9, 10, 11]))
    assert batch.src_ids.tolist() == [[5, 6, 3], [7, 3, 0]]
    assert batch.tgt_in_ids.tolist() == [[2, 8, 0, 0], [2, 9, 10, 11]]
    assert batch.tgt_out_ids.tolist() == [[8, 3, 0, 0], [9, 10, 11, 3]]
    assert batch.src_lengths.tolist() == [3, 2]
    assert (batch.num_pairs, batch.num_src_tokens, batch.num_tgt_tokens) == (2, 5, 6)
    arrays = (batch.src_ids, batch.tgt_in_ids, batch.tgt_out_ids, batch.src_lengths)
    assert {array.dtype for array in arrays} == {np.dtype(np.int64)}


def test_a_batch_starts_its_targets_with_what_the_decoder_reads_first(store):
    batch = make_batch(sentences([5], [7]), sentences([8], [9, 10]), start_id=3)
    assert batch.tgt_in_ids.tolist() == [[3, 8, 0], [3, 9, 10]]
    assert make_batch(sentences(), sentences(), start_id=0).tgt_in_ids.tolist() == [[0]]
    update = next(stream(store, starts=Starts(3)).updates())
    assert {int(i) for batch in update.micro_batches for i in batch.tgt_in_ids[:, 0]} == {3}


def test_tags_stand_before_the_texts_and_carry_no_loss():
    tags = Tags(src=(8, 9), tgt=(7,))
    batch = make_batch(sentences([5, 6], [7]), sentences([8], [9, 10]), start_id=3, tags=tags)
    assert batch.src_ids.tolist() == [[8, 9, 5, 6, 3], [8, 9, 7, 3, 0]]
    assert batch.tgt_in_ids.tolist() == [[3, 7, 8, 0], [3, 7, 9, 10]]
    assert batch.tgt_out_ids.tolist() == [[0, 8, 3, 0], [0, 9, 10, 3]]
    assert batch.src_lengths.tolist() == [5, 4]
    assert (batch.num_pairs, batch.num_src_tokens, batch.num_tgt_tokens) == (2, 9, 5)


def test_micro_batches_have_room_for_tags(store):
    tags = Tags(src=(5, 5), tgt=(6,))
    update = next(stream(store, max_tokens=60, starts=Starts(tags=tags)).updates())
    assert {batch.src_ids[0, 0] for batch in update.micro_batches} == {5}
    for batch in update.micro_batches:
        assert max(batch.src_ids.shape[1], batch.tgt_in_ids.shape[1]) * batch.num_pairs <= 60


def test_a_batch_of_no_pairs_has_a_row_that_counts_nothing():
    batch = make_batch(sentences(), sentences())
    assert (batch.src_ids.tolist(), batch.tgt_in_ids.tolist(), batch.tgt_out_ids.tolist()) == (
        [[3]],
        [[2]],
        [[0]],
    )
    assert batch.src_lengths.tolist() == [1]
    assert (batch.num_pairs, batch.num_src_tokens, batch.num_tgt_tokens) == (0, 0, 0)
    assert batch.src_ids.dtype == batch.src_lengths.dtype == np.int64


def test_an_epoch_holds_every_pair_of_the_store(store):
    found = []
    for update in stream(store).updates(max_epochs=1):
        for batch in update.micro_batches:
            arrays = (batch.src_ids, batch.tgt_in_ids, batch.tgt_out_ids)
            for src, tgt_in, tgt_out in zip(*arrays, strict=True):
                src, tgt = src[src > 0].tolist(), tgt_out[tgt_out > 0].tolist()
                assert src.pop() == tgt.pop() == 3
                assert tgt_in[: len(tgt) + 1].tolist() == [2, *tgt]
                assert not tgt_in[len(tgt) + 1 :].any()
                found.append((src, tgt))
    stored = [
        tuple(store.flat_ids(side, np.array([pair])).tolist() for side in ("src", "tgt"))
        for pair in range(store.num_pairs)
    ]
    assert sorted(found) == sorted(stored)


def test_the_counts_are_those_of_the_arrays(store):
    for amount in (0.0, 0.5):
        for update in stream(store, amount=amount).updates(max_epochs=1):
            for batch in update.micro_batches:
                assert batch.num_tgt_tokens == (batch.tgt_out_ids > 0).sum()
                assert batch.num_src_tokens == (batch.src_ids > 0).sum() == batch.src_lengths.sum()
                assert batch.num_pairs == len(batch.src_ids)
                longer = np.maximum(batch.src_lengths, (batch.tgt_out_ids > 0).sum(axis=1))
                assert (np.diff(longer) >= 0).all()


def test_epochs_follow_one_another_and_the_last_update_says_so(store):
    updates = list(stream(store).updates(max_epochs=2))
    num_first = [update.epoch for update in updates].index(1)
    assert [update.index for update in updates] == [
        *range(num_first),
        *range(len(updates) - num_first),
    ]
    assert [i for i, update in enumerate(updates) if update.is_last] == [
        num_first - 1,
        len(updates) - 1,
    ]
    assert len(list(islice(stream(store).updates(), 3 * num_first))) == 3 * num_first


def test_the_end_of_an_epoch_is_the_start_of_the_next(store):
    num_updates = next(u for u in stream(store).updates() if u.is_last).index + 1
    first = next(stream(store).updates(0, num_updates))
    assert (first.epoch, first.index) == (1, 0)
    assert list(stream(store).updates(0, num_updates, max_epochs=1)) == []


def test_sampling_one_side_leaves_the_other(store):
    plan = Plan(
        store.shard_sizes, store.src_lengths, store.tgt_lengths, tokens_per_update=400, seed=1
    )
    draws = DrawSettings(TOKENIZER, TOKENIZER, 0.0, 0.9)
    sampled = BatchStream(store, plan, max_tokens=500, draws=draws)
    plain = BatchStream(store, plan, max_tokens=500)
    totals = np.zeros((2, 2), dtype=int)
    for i, batches in enumerate((plain, sampled)):
        for update in batches.updates(max_epochs=1):
            for batch in update.micro_batches:
                totals[i] += batch.num_src_tokens, batch.num_tgt_tokens
    assert totals[0, 0] == totals[1, 0]
    assert totals[1, 1] > 1.3 * totals[0, 1]


def test_building_4096_tokens_takes_under_two_milliseconds(tmp_path):
    rng = np.random.default_rng(1)
    pairs = [[LINE[: rng.integers(4, 80)]] * 2 for _ in range(5000)]
    build_store(pairs, tokenizers=(TOKENIZER, TOKENIZER), config=CONFIG, path=tmp_path / "store")
    store = open_store(tmp_path / "store")
    plan = Plan(
        store.shard_sizes, store.src_lengths, store.tgt_lengths, tokens_per_update=4096, seed=1
    )
    updates = BatchStream(store, plan, max_tokens=4096).updates()
    next(updates)
    elapsed_s = []
    for _ in range(15):
        started_at_s = time.perf_counter()
        next(updates)
        elapsed_s.append(time.perf_counter() - started_at_s)
    assert min(elapsed_s) < 0.002  # 0.0006 on a quiet core; the machine is shared
