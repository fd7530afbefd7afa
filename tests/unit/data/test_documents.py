"""Documents: how they are read, kept, cut into chunks and joined."""

from collections import deque

import numpy as np
import pytest

from mtcli.config.schema.data import DataConfig, DelimitedSource, DocumentsConfig, TextSource
from mtcli.config.schema.sections import ConflictError
from mtcli.data.batches import BatchStream
from mtcli.data.building import build_store, open_or_build
from mtcli.data.document_groups import group_sentences, join_sentences, split_sentences
from mtcli.data.document_plan import DocumentPlan
from mtcli.data.documents import documents_of, noting_documents, read_documents
from mtcli.data.drawing import DrawSettings
from mtcli.data.kept_documents import KeptDocuments
from mtcli.data.store import open_store
from mtcli.errors import DataError
from mtcli.tokenizer.protocol import EOS_ID
from tests.support.tokenizers import ToyTokenizer

SEPARATORS = (700, 701)
TOKENIZER = ToyTokenizer(longest=2)


def text_source(folder, name, src, tgt):
    for side, lines in (("src", src), ("tgt", tgt)):
        (folder / f"{name}.{side}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return TextSource(src=folder / f"{name}.src", tgt=folder / f"{name}.tgt")


# --------------------------------------------------------------------------------------- reading


def test_blank_lines_and_the_end_of_a_source_end_documents(tmp_path):
    lines = ["a", "b", "", " ", "c", "", "d"]
    sources = [
        text_source(tmp_path, "one", lines, [line.upper() for line in lines]),
        text_source(tmp_path, "two", ["e"], ["E"]),
    ]
    read = list(read_documents(sources, DocumentsConfig()))
    pairs, documents = documents_of(read)
    assert pairs == [(letter, letter.upper()) for letter in "abcde"]
    assert documents == [0, 0, 2, 3, 4]


def test_a_line_that_is_blank_on_one_side_ends_none(tmp_path):
    source = text_source(tmp_path, "one", ["a", "", "b", "", "c"], ["A", "B", "B", "", "C"])
    assert [number for number, _ in read_documents([source], DocumentsConfig())] == [0, 0, 0, 1, 1]


def test_ids_of_a_column_end_documents(tmp_path):
    rows = ["x\ta\tA", "x\tb\tB", "y\tc\tC", "x\td\tD"]
    (tmp_path / "pairs.tsv").write_text("\n".join(rows) + "\n")
    source = DelimitedSource(
        kind="tsv", path=tmp_path / "pairs.tsv", src_column=1, tgt_column=2, header=False
    )
    read = list(read_documents([source], DocumentsConfig(column=0)))
    assert [number for number, _ in read] == [0, 0, 1, 2]
    assert [pair for _, pair in read] == [(letter, letter.upper()) for letter in "abcd"]


def test_documents_without_boundaries_are_refused(tmp_path):
    source = text_source(tmp_path, "one", ["a", "b"], ["A", "B"])
    with pytest.raises(DataError) as error:
        list(read_documents([source], DocumentsConfig()))
    assert error.value.sentence == (
        f"`data.documents` is set, but no blank line ends a document in {source.src} and"
        f" {source.tgt}: all 2 pairs are one document"
    )
    assert "`data.documents.column`" in error.value.hint


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "documents needs valid"),
        ({"documents": DocumentsConfig(column="id")}, "but a source of kind text has none"),
    ],
)
def test_what_does_not_go_with_documents_is_refused(tmp_path, keys, message):
    sources = [text_source(tmp_path, "one", ["a"], ["A"])]
    valid = {"valid": sources} if keys else {}
    with pytest.raises(ConflictError, match=message):
        DataConfig(train=sources, **{"documents": DocumentsConfig(), **valid, **keys})


# ----------------------------------------------------------------------------------------- store


@pytest.mark.parametrize("sizes", [[7], [3, 4], [1] * 7])
def test_a_pair_that_is_dropped_ends_a_document(sizes):
    """Rows 2 and 5 of one document are dropped, and the document changes before row 6."""
    kept = KeptDocuments(deque([4, 4, 4, 4, 4, 4, 9]))
    row = 0
    for size in sizes:
        kept.add(size, [i - row for i in (0, 1, 3, 4, 6) if row <= i < row + size])
        row += size
    assert kept.numbers().tolist() == [0, 0, 1, 1, 2]


def test_the_store_holds_the_document_of_each_pair(tmp_path):
    lines = ["ab", "cd", "", "ef", "x" * 99, "gh", "", "ij"]
    source = text_source(tmp_path, "one", lines, lines)
    config = DataConfig(train=[source], valid=[source], documents=DocumentsConfig(), max_length=40)
    none = np.empty(0, dtype=np.int64)
    (tmp_path / "tokenizer").write_bytes(b"")
    keys = {"tokenizers": (TOKENIZER, TOKENIZER), "tokenizer_files": [tmp_path / "tokenizer"]}
    store = open_or_build(config, none, cache_dir=tmp_path / "cache", **keys)
    assert store.documents.tolist() == [0, 0, 1, 2, 3]
    assert store.meta.num_read == 6
    assert store.meta.drops["too_long"] == 1
    assert store.meta.drops["empty"] == 0
    again = open_or_build(config, none, cache_dir=tmp_path / "cache", **keys)
    assert again.path == store.path
    alone = DataConfig(train=[source], valid=[source], max_length=40)
    assert open_or_build(alone, none, cache_dir=tmp_path / "cache", **keys).documents is None


# ---------------------------------------------------------------------------------------- groups


def test_groups_are_as_long_as_the_limits_allow():
    documents, lengths = [0, 0, 0, 0, 1, 1], [3, 3, 3, 9, 1, 1]
    assert group_sentences([], [[]], 7, None) == []
    groups = group_sentences(documents, [lengths], 7, None)
    assert [list(group) for group in groups] == [[0, 1], [2], [3], [4, 5]]
    groups = group_sentences(documents, [lengths, [1] * 6], 11, 2)
    assert [list(group) for group in groups] == [[0, 1], [2], [3], [4, 5]]
    groups = group_sentences(documents, [lengths, [1] * 6], 11, None)
    assert [list(group) for group in groups] == [[0, 1, 2], [3], [4, 5]]
    groups = group_sentences(documents, [lengths, [1, 9, 1, 1, 1, 1]], 11, None)
    assert [list(group) for group in groups] == [[0, 1], [2], [3], [4, 5]]


def test_splitting_undoes_joining():
    sentences = [[5, 6], [7], [], [8]]
    assert join_sentences(sentences, 4) == [5, 6, 4, 7, 4, 4, 8]
    assert split_sentences(join_sentences(sentences, 4), 4) == sentences
    assert split_sentences([], 4) == [[]]


# ----------------------------------------------------------------------------------------- chunks


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """40 documents of 1 to 12 pairs of 1 to 9 pieces; the first letters number the pairs."""
    rng = np.random.default_rng(3)
    documents, pairs = deque(), []
    for document in range(40):
        for _ in range(rng.integers(1, 13)):
            documents.append(document)
            pairs.append(tuple("abcdefghij"[: rng.integers(1, 10)] for _ in range(2)))
    path = tmp_path_factory.mktemp("documents") / "store"
    config = DataConfig(train=[TextSource(src=path, tgt=path)], max_length=40)
    build_store(
        pairs, tokenizers=(TOKENIZER, TOKENIZER), config=config, path=path, documents=documents
    )
    return open_store(path)


def plan_of(store, seed=1, **keys):
    config = DocumentsConfig(**{"max_pieces": 30, **keys})
    return DocumentPlan(
        store.documents,
        store.src_lengths,
        store.tgt_lengths,
        config,
        tokens_per_update=120,
        seed=seed,
    )


def chunks_of(plan, epoch):
    """The pairs of each chunk of an epoch, in the order of the updates."""
    found = []
    for chunks in plan.updates(epoch):
        pairs, sizes = plan.pairs_of(epoch, chunks)
        found += [part.tolist() for part in np.split(pairs, np.cumsum(sizes)[:-1])]
    return found


@pytest.mark.parametrize("keys", [{}, {"max_sentences": 3}, {"max_pieces": 9}, {"max_pieces": 1}])
def test_an_epoch_has_each_pair_once_in_chunks_of_one_document_within_the_limits(store, keys):
    plan = plan_of(store, **keys)
    for epoch in (0, 1):
        chunks = chunks_of(plan, epoch)
        assert sorted(pair for chunk in chunks for pair in chunk) == list(range(store.num_pairs))
        for chunk in chunks:
            assert chunk == list(range(chunk[0], chunk[-1] + 1))
            assert len(set(store.documents[chunk].tolist())) == 1
            longest = max(
                int(side[chunk].sum()) + len(chunk) - 1
                for side in (store.src_lengths, store.tgt_lengths)
            )
            assert longest <= keys.get("max_pieces", 30) or len(chunk) == 1
            assert len(chunk) <= keys.get("max_sentences", 99)


def test_chunks_are_cut_anew_in_each_epoch_and_are_the_same_for_the_same_seed(store):
    first, second = (sorted(map(tuple, chunks_of(plan_of(store), epoch))) for epoch in (0, 1))
    assert first != second
    assert sorted(map(tuple, chunks_of(plan_of(store), 1))) == second
    assert sorted(map(tuple, chunks_of(plan_of(store, seed=2), 0))) != first
    sizes = [len(chunk) for epoch in range(20) for chunk in chunks_of(plan_of(store), epoch)]
    assert {1, 2, 3} < set(sizes)


def test_the_plan_can_be_entered_at_any_update(store):
    plan = plan_of(store)
    whole = [chunks.tolist() for chunks in plan.updates(1)]
    assert len(whole) == plan.num_updates(1)
    for start in range(len(whole) + 1):
        assert [chunks.tolist() for chunks in plan_of(store).updates(1, start)] == whole[start:]


@pytest.mark.parametrize("amount", [0.0, 0.9])
def test_batches_hold_joined_sentences_within_the_limits(store, amount):
    plan = plan_of(store)
    draws = DrawSettings(TOKENIZER, TOKENIZER, amount, amount)
    stream = BatchStream(store, plan, max_tokens=200, draws=draws, separators=SEPARATORS)
    rows = []
    for update in stream.updates(max_epochs=1):
        for batch in update.micro_batches:
            rows += [
                [ids[: ids.index(EOS_ID)] for ids in (src.tolist(), tgt.tolist())]
                for src, tgt in zip(batch.src_ids, batch.tgt_out_ids, strict=True)
            ]
    num_sentences = 0
    for src, tgt in rows:
        sides = split_sentences(src, SEPARATORS[0]), split_sentences(tgt, SEPARATORS[1])
        assert len(sides[0]) == len(sides[1])
        assert all(sentence for side in sides for sentence in side)
        assert max(len(src), len(tgt)) <= 30
        num_sentences += len(sides[0])
    assert num_sentences == store.num_pairs
    assert len(rows) < store.num_pairs
    texts = sorted(TOKENIZER.decode(ids) for src, _ in rows for ids in split_sentences(src, 700))
    assert texts == sorted(store.text("src", pair) for pair in range(store.num_pairs))


def test_the_numbers_of_documents_are_noted_while_pairs_are_read():
    numbers = deque()
    pairs = noting_documents([(0, ("a", "b")), (3, ("c", "d"))], numbers)
    assert next(pairs) == ("a", "b")
    assert list(numbers) == [0]
    assert list(pairs) == [("c", "d")]
    assert list(numbers) == [0, 3]
