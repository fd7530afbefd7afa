"""What an update holds follows from (seed, epoch, index), not from rank, world, order or entry."""

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.config.schema.regularization import Chance, RegularizationConfig, Share
from mtcli.data.batches import BatchStream
from mtcli.data.building import build_store
from mtcli.data.drawing import DrawSettings, PairDrawing
from mtcli.data.plan import Plan
from mtcli.data.prefetch import Prefetch
from mtcli.data.store import open_store
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

MAX_TOKENS = 300
MAX_LENGTH = 30
PLAIN = RegularizationConfig()
NOISY = RegularizationConfig(
    src_word_dropout=Chance(value=0.2),
    tgt_word_dropout=Chance(value=0.4, start=0.0, to_epoch=2),
    case_noise=Chance(value=0.3),
    punctuation_noise=Chance(value=0.3),
    typo_noise=Chance(value=0.0, start=0.5, to_epoch=1.5),
    subword_sampling=Share(value=0.5),
)


EACH = {
    "src_word_dropout": 0,
    "tgt_word_dropout": 2,
    "case_noise": 0,
    "punctuation_noise": 0,
    "typo_noise": 0,
}
"""Ingredients by name, and what they change: 0 the source, 2 the target as the decoder reads it."""


def sentences():
    rng = np.random.default_rng(3)
    letters = np.array(list("abcdefghi"))
    words = ["".join(rng.choice(letters, rng.integers(2, 7))) for _ in range(60)]
    return [" ".join(rng.choice(words, rng.integers(1, 12))) + "." for _ in range(400)]


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def tokenizer(request, tmp_path_factory):
    import sentencepiece

    path = tmp_path_factory.mktemp("sampling") / "tokenizer.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences()),
            model_writer=file,
            vocab_size=150,
            model_type=request.param,
            hard_vocab_limit=False,
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            minloglevel=2,
        )
    return SentencePieceTokenizer(path)


@pytest.fixture(scope="module")
def store(tokenizer, tmp_path_factory):
    texts = sentences()
    path = tmp_path_factory.mktemp("sampling") / "store"
    config = DataConfig(train=[TextSource(src=Path("a"), tgt=Path("b"))], max_length=MAX_LENGTH)
    build_store(
        zip(texts[:200], texts[200:], strict=True),
        tokenizers=(tokenizer, tokenizer),
        config=config,
        path=path,
        shard_size=80,
    )
    return open_store(path)


@pytest.fixture
def make_stream(store, tokenizer):
    def make_stream(rank=0, world_size=1, *, amount=0.3, max_tokens=MAX_TOKENS, seed=5, more=PLAIN):
        plan = Plan(
            store.shard_sizes,
            store.src_lengths,
            store.tgt_lengths,
            tokens_per_update=500,
            seed=seed,
            pool_shards=2,
        )
        return BatchStream(
            store,
            plan,
            max_tokens=max_tokens,
            rank=rank,
            world_size=world_size,
            draws=DrawSettings(tokenizer, tokenizer, amount, amount, more) if amount else None,
        )

    return make_stream


def pairs_of(update):
    """The segmented pairs of an update, as a multiset."""
    return Counter(
        (tuple(src[src > 0].tolist()), tuple(tgt[tgt > 0].tolist()))
        for batch in update.micro_batches
        for src, tgt in zip(batch.src_ids, batch.tgt_out_ids, strict=True)
        if batch.num_pairs
    )


def inputs_of(update):
    """The pairs of an update as the model reads them, as a multiset."""
    return Counter(
        (tuple(src[src > 0].tolist()), tuple(tgt[tgt > 0].tolist()))
        for batch in update.micro_batches
        for src, tgt in zip(batch.src_ids, batch.tgt_in_ids, strict=True)
        if batch.num_pairs
    )


def identity(update):
    """Everything that an update says, bit for bit."""
    values = [value for batch in update.micro_batches for value in vars(batch).values()]
    return (
        update.epoch,
        update.index,
        update.is_last,
        *((v.shape, v.tobytes()) if isinstance(v, np.ndarray) else v for v in values),
    )


@pytest.mark.parametrize("amount", [0.0, 0.3])
def test_resuming_anywhere_continues_the_sequence_bit_for_bit(make_stream, amount):
    whole = [identity(update) for update in make_stream(amount=amount).updates(max_epochs=2)]
    assert {epoch for epoch, *_ in whole} == {0, 1}
    for stop in range(0, len(whole), 3):
        epoch, index, *_ = whole[stop]
        resumed = make_stream(amount=amount).updates(epoch, index, max_epochs=2)
        assert [identity(update) for update in islice(resumed, 2)] == whole[stop : stop + 2]


@pytest.mark.parametrize("amount", [0.0, 0.3])
@pytest.mark.parametrize("world_size", [2, 3, 4])
def test_ranks_share_what_one_process_does_alone(make_stream, world_size, amount):
    alone = make_stream(amount=amount).updates(max_epochs=1)
    ranks = [
        make_stream(rank, world_size, amount=amount).updates(max_epochs=1)
        for rank in range(world_size)
    ]
    for update, *shares in zip(alone, *ranks, strict=True):
        assert sum(map(pairs_of, shares), Counter()) == pairs_of(update)
        assert len({len(share.micro_batches) for share in shares}) == 1
        assert {(share.epoch, share.index, share.is_last) for share in shares} == {
            (update.epoch, update.index, update.is_last)
        }


def test_the_size_of_micro_batches_does_not_change_what_is_drawn(make_stream):
    small, large = (make_stream(max_tokens=size).updates(max_epochs=1) for size in (60, 5000))
    for one, other in zip(small, large, strict=True):
        assert pairs_of(one) == pairs_of(other)


def test_prefetching_and_other_draws_in_between_change_nothing(make_stream, tokenizer):
    plain = [identity(update) for update in make_stream().updates(max_epochs=1)]
    for depth in (1, 5):
        with Prefetch(make_stream().updates(max_epochs=1), depth) as updates:
            ahead = []
            for update in updates:
                tokenizer.encode("abc def")
                ahead.append(identity(update))
        assert ahead == plain


def test_no_micro_batch_is_over_the_limit_and_no_sentence_too_long(make_stream):
    for update in make_stream(amount=0.9).updates(max_epochs=1):
        for batch in update.micro_batches:
            assert max(batch.src_ids.size, batch.tgt_out_ids.size) <= MAX_TOKENS
            assert max(batch.src_ids.shape[1], batch.tgt_out_ids.shape[1]) <= MAX_LENGTH + 1


def test_what_is_drawn_reads_as_the_text_and_differs_by_epoch_and_seed(
    make_stream, store, tokenizer
):
    def drawn(epoch, seed=5):
        """The drawn target pieces of each pair, found by their texts."""
        updates = make_stream(seed=seed).updates(epoch, max_epochs=epoch + 1)
        return {
            (tokenizer.decode(src), tokenizer.decode(tgt)): tgt
            for update in updates
            for src, tgt in pairs_of(update)
        }

    texts = {(store.text("src", pair), store.text("tgt", pair)) for pair in range(store.num_pairs)}
    runs = [drawn(0), drawn(1), drawn(0, seed=6)]
    for run in runs:
        assert run.keys() == texts
    for one, other in ((0, 1), (0, 2), (1, 2)):
        num_changed = sum(runs[one][text] != runs[other][text] for text in texts)
        assert num_changed > 0.1 * len(texts)
    assert drawn(1) == runs[1]


@pytest.fixture
def draw(store, tokenizer):
    """Every pair's source, target and target as it is read, by settings, epoch and seed."""

    def draw(more, *, amount=0.0, epoch=0, epochs=0.0, seed=5):
        draws = DrawSettings(tokenizer, tokenizer, amount, amount, more)
        pairs = np.arange(store.num_pairs)
        return [
            [row.tolist() for row in np.split(part.flat_ids, np.cumsum(part.lengths)[:-1])]
            for part in PairDrawing(store, seed, draws).draw(pairs, epoch, epochs)
        ]

    return draw


def changed(one, other):
    """Which pairs differ."""
    return {i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b}


@pytest.mark.parametrize("name", EACH)
def test_each_ingredient_changes_its_side_alone_and_anew_for_each_epoch_and_seed(draw, name):
    more, plain = RegularizationConfig(**{name: Chance(value=0.4)}), draw(PLAIN)
    drawn = [draw(more), draw(more, epoch=1), draw(more, seed=6)]
    for parts in drawn:
        for side, (part, bare) in enumerate(zip(parts, plain, strict=True)):
            share = len(changed(part, bare)) / len(bare)
            assert 0.2 < share < 1 if side == EACH[name] else share == 0
    sides = [parts[EACH[name]] for parts in drawn]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert len(changed(sides[one], sides[other])) > 0.2 * len(sides[one])
    assert draw(more, epoch=1) == drawn[1]


@pytest.mark.parametrize("name", EACH)
def test_each_ingredient_follows_its_schedule(draw, name):
    line = RegularizationConfig(**{name: Chance(value=0.6, start=0.0, from_epoch=1, to_epoch=3)})
    for epochs, amount in ((0.5, 0.0), (1.0, 0.0), (2.0, 0.3), (3.0, 0.6), (7.0, 0.6)):
        fixed = RegularizationConfig(**{name: Chance(value=amount)})
        assert draw(line, epochs=epochs) == draw(fixed, epochs=epochs)
    assert draw(line, epochs=2.0) != draw(line, epochs=3.0)


def test_the_share_of_sampled_sentences_follows_its_schedule_and_is_drawn_for_each_epoch(draw):
    line = RegularizationConfig(subword_sampling=Share(value=1.0, start=0.0, to_epoch=2))
    for epochs, amount in ((0.0, 0.0), (1.0, 0.5), (2.0, 1.0), (7.0, 1.0)):
        fixed = RegularizationConfig(subword_sampling=Share(value=amount))
        assert draw(line, amount=0.3, epochs=epochs) == draw(fixed, amount=0.3, epochs=epochs)
    half, plain = RegularizationConfig(subword_sampling=Share(value=0.5)), draw(PLAIN)
    first, second = (
        list(map(changed, draw(half, amount=0.3, epoch=epoch), plain)) for epoch in (0, 1)
    )
    for side in (0, 1):
        assert len(first[side] & second[side]) < 0.75 * len(first[side])
        assert len(first[side] & first[1 - side]) < 0.75 * len(first[side])


@pytest.mark.parametrize(
    ("amount", "more"),
    [
        (0.3, PLAIN),
        (0.0, RegularizationConfig(
            src_word_dropout=Chance(value=0.4), tgt_word_dropout=Chance(value=0.4)
        )),
    ],
    ids=["segmentations", "dropped words"],
)  # fmt: skip
def test_source_and_target_are_drawn_apart(tmp_path, tokenizer, amount, more):
    texts = sentences()[:50]
    config = DataConfig(train=[TextSource(src=Path("a"), tgt=Path("b"))])
    build_store(
        zip(texts, texts, strict=True),
        tokenizers=(tokenizer, tokenizer),
        config=config,
        path=tmp_path / "s",
    )
    store = open_store(tmp_path / "s")
    plan = Plan(
        store.shard_sizes, store.src_lengths, store.tgt_lengths, tokens_per_update=500, seed=1
    )
    draws = DrawSettings(tokenizer, tokenizer, amount, amount, more)
    stream = BatchStream(store, plan, max_tokens=500, draws=draws)
    pairs = [pair for update in stream.updates(max_epochs=1) for pair in inputs_of(update)]
    # the source ends with EOS, and the target as it is read begins with BOS
    assert sum(src[:-1] != tgt[1:] for src, tgt in pairs) > 0.1 * len(pairs)


@pytest.mark.parametrize("world_size", [2, 3])
def test_noise_and_dropped_words_do_not_depend_on_ranks_batches_and_entry(make_stream, world_size):
    whole = list(make_stream(more=NOISY).updates(max_epochs=2))
    shares = zip(
        *(make_stream(r, world_size, more=NOISY).updates(max_epochs=2) for r in range(world_size)),
        strict=True,
    )
    small = make_stream(more=NOISY, max_tokens=60).updates(max_epochs=2)
    for update, ranks, one in zip(whole, shares, small, strict=True):
        assert sum(map(inputs_of, ranks), Counter()) == inputs_of(update) == inputs_of(one)
    for stop in range(0, len(whole), 4):
        resumed = make_stream(more=NOISY).updates(whole[stop].epoch, whole[stop].index)
        assert identity(next(resumed)) == identity(whole[stop])


def test_words_are_dropped_from_what_is_read_not_from_what_is_to_be_predicted(make_stream):
    more = RegularizationConfig(tgt_word_dropout=Chance(value=0.5))
    plain = make_stream().updates(max_epochs=1)
    num_dropped = 0
    for update, bare in zip(make_stream(more=more).updates(max_epochs=1), plain, strict=True):
        assert pairs_of(update) == pairs_of(bare)
        for batch, other in zip(update.micro_batches, bare.micro_batches, strict=True):
            is_changed = batch.tgt_in_ids != other.tgt_in_ids
            assert (batch.tgt_in_ids[is_changed] == 1).all()
            assert not is_changed[:, 0].any()  # BOS stays
            num_dropped += int(is_changed.sum())
    assert num_dropped > 100


def test_noise_changes_the_source_alone_and_sampling_its_share(make_stream, store, tokenizer):
    more = RegularizationConfig(case_noise=Chance(value=0.9), subword_sampling=Share(value=0.5))
    texts = {store.text("tgt", pair): store.text("src", pair) for pair in range(store.num_pairs)}
    num_noisy = num_sampled = 0
    for update in make_stream(more=more).updates(max_epochs=1):
        for src, tgt in pairs_of(update):
            text = tokenizer.decode(tgt)
            assert text in texts
            num_noisy += tokenizer.decode(src) != texts[text]
            num_sampled += list(tgt[:-1]) != tokenizer.encode(text)
    assert num_noisy > 0.5 * store.num_pairs
    always = sum(
        list(tgt[:-1]) != tokenizer.encode(tokenizer.decode(tgt))
        for update in make_stream().updates(max_epochs=1)
        for _, tgt in pairs_of(update)
    )
    assert 0.35 * always < num_sampled < 0.65 * always
