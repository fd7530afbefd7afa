import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.building import build_store
from mtcli.data.mapped import map_arrays
from mtcli.data.store import DamagedStoreError, open_store, spans
from mtcli.errors import DataError
from mtcli.folders import sha256_of
from tests.support.tokenizers import ToyTokenizer

CONFIG = DataConfig(train=[TextSource(src=Path("a"), tgt=Path("b"))])


@pytest.fixture(params=[2**16, 2**16 + 1])
def tokenizer(request):
    return ToyTokenizer(longest=2, vocab_size=request.param)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(1)
    letters = list("abcdefgh  ÄB")
    return [
        tuple("x" + "".join(rng.choice(letters, rng.integers(0, 30))) for _ in range(2))
        for _ in range(57)
    ]


@pytest.fixture
def store(tmp_path, pairs, tokenizer):
    path = tmp_path / "store"
    build_store(pairs, tokenizers=(tokenizer, tokenizer), config=CONFIG, path=path, shard_size=10)
    return open_store(path)


def test_every_pair_comes_back(store, pairs, tokenizer):
    assert store.num_pairs == len(pairs) == 57
    assert store.shard_sizes == [10, 10, 10, 10, 10, 7]
    for pair, (src, tgt) in enumerate(pairs):
        assert store.flat_ids("src", np.array([pair])).tolist() == tokenizer.encode(src)
        assert store.flat_ids("tgt", np.array([pair])).tolist() == tokenizer.encode(tgt)
        assert store.text("src", pair) == tokenizer.normalize(src)
        assert store.text("tgt", pair) == tokenizer.normalize(tgt)
    assert store.src_lengths.tolist() == [len(tokenizer.encode(src)) for src, _ in pairs]
    assert store.tgt_lengths.tolist() == [len(tokenizer.encode(tgt)) for _, tgt in pairs]


def test_ids_of_pairs_in_any_order_over_shards(store, pairs, tokenizer):
    chosen = [56, 3, 3, 40, 0, 12, 11, 55]
    expected = [i for pair in chosen for i in tokenizer.encode(pairs[pair][1])]
    flat = store.flat_ids("tgt", np.array(chosen))
    assert flat.dtype == np.int64
    assert flat.tolist() == expected
    assert store.flat_ids("src", np.array([], dtype=np.int64)).tolist() == []


def test_ids_are_as_narrow_as_the_vocabulary_allows(store, tokenizer):
    arrays = load_file(store.path / "shard_00000.safetensors")
    assert arrays["src_ids"].dtype == (np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32)
    assert arrays["src_offsets"].dtype == np.int64


def test_the_meta_data_add_up(store, pairs, tokenizer):
    src, tgt = ([len(tokenizer.encode(pair[side])) for pair in pairs] for side in (0, 1))
    assert store.meta.num_read == 57
    assert set(store.meta.drops.values()) == {0}
    assert (store.meta.num_src_tokens, store.meta.num_tgt_tokens) == (sum(src), sum(tgt))
    assert (store.meta.longest_src, store.meta.longest_tgt) == (max(src), max(tgt))
    assert store.meta.max_length == 256


def test_the_characters_of_the_sources_are_known(store, pairs, tokenizer):
    sources = "".join(tokenizer.normalize(src) for src, _ in pairs)
    assert store.meta.src_characters == "".join(sorted(set(sources)))


def test_spans_follow_one_another():
    assert spans(np.array([5, 9, 0, 2]), np.array([3, 2, 0, 1])).tolist() == [5, 6, 7, 9, 10, 2]
    nothing = np.empty(0, dtype=np.int64)
    assert spans(nothing, nothing).tolist() == []


def test_mapped_arrays_are_those_that_the_library_reads(tmp_path):
    arrays = {
        "b": np.arange(5, dtype=np.uint16),
        "a": np.arange(6, dtype=np.int64).reshape(2, 3),
        "c": np.array([7], dtype=np.uint8),
        "none": np.zeros(0, dtype=np.int32),
    }
    save_file(arrays, tmp_path / "f", metadata={"format": "np"})
    mapped = map_arrays(tmp_path / "f")
    assert mapped.keys() == arrays.keys()
    for name, array in load_file(tmp_path / "f").items():
        np.testing.assert_array_equal(mapped[name], array)
        assert mapped[name].dtype == array.dtype
        assert not mapped[name].flags.writeable


def test_a_missing_shard_is_one_sentence(store):
    shard = store.path / "shard_00003.safetensors"
    shard.unlink()
    with pytest.raises(DataError) as caught:
        open_store(store.path)
    assert str(caught.value) == f"{store.path} is incomplete: `{shard.name}` is missing"


def test_a_truncated_shard_is_one_sentence(store):
    shard = store.path / "shard_00003.safetensors"
    size = shard.stat().st_size
    with shard.open("rb+") as file:
        file.truncate(100)
    with pytest.raises(DataError) as caught:
        open_store(store.path)
    assert str(caught.value) == (
        f"{shard} is damaged: it has 100 bytes, but `MANIFEST.json` says {size}"
    )


def rewrite_meta(store, text):
    """Change `store.json`, and the manifest with it."""
    path, manifest = store.path / "store.json", store.path / "MANIFEST.json"
    path.write_text(text)
    content = json.loads(manifest.read_text())
    content["files"][path.name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    manifest.write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["shard_00000", "shard_00005", "lengths", "store"])
def test_one_changed_bit_anywhere_is_found(store, name):
    """Sizes alone were compared: other ids under the same names trained other weights."""
    (path,) = store.path.glob(f"{name}.*")
    content = path.read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(DamagedStoreError) as caught:
            open_store(store.path)
        assert str(caught.value) == (
            f"{path} is damaged: its SHA-256 is not the one in `MANIFEST.json`"
        )
    path.write_bytes(content)
    assert open_store(store.path).num_pairs == store.num_pairs


def test_an_open_store_outlives_its_folder(store, pairs, tokenizer):
    """Another process may find damage in it and build it again."""
    shutil.rmtree(store.path)
    assert [store.text("src", i) for i in (0, 56)] == [
        tokenizer.normalize(pairs[i][0]) for i in (0, 56)
    ]


def test_a_newer_format_is_refused(store):
    path = store.path / "MANIFEST.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"format_version": 2}))
    with pytest.raises(
        DataError, match="has format_version 2, but this mtcli reads versions up to 1"
    ):
        open_store(store.path)


def test_meta_data_without_a_key_are_damaged(store):
    rewrite_meta(store, (store.path / "store.json").read_text().replace("num_read", "num_rEad"))
    with pytest.raises(DataError, match=r"store\.json is damaged: it must have drops, longest_src"):
        open_store(store.path)


def test_a_store_of_an_earlier_mtcli_has_neither_examples_nor_characters(store):
    content = json.loads((store.path / "store.json").read_text())
    del content["examples"], content["src_characters"]
    rewrite_meta(store, json.dumps(content))
    assert open_store(store.path).meta == replace(store.meta, examples={}, src_characters=None)


def rewrite(store, name, change):
    """Change a file of the store, and make the manifest agree."""
    path = store.path / name
    if path.suffix == ".json":
        content = json.loads(path.read_text("utf-8"))
        change(content)
        path.write_text(json.dumps(content), "utf-8")
    else:
        arrays = {key: array.copy() for key, array in load_file(path).items()}
        change(arrays)
        save_file(arrays, path)
    manifest = json.loads((store.path / "MANIFEST.json").read_text("utf-8"))
    manifest["files"][name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    (store.path / "MANIFEST.json").write_text(json.dumps(manifest), "utf-8")


SHARD = "shard_00002.safetensors"


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("store.json", {"num_read": "many"}, "damaged at `num_read`: Input should be a valid int"),
        ("store.json", {"drops": {"a": []}}, "damaged at `drops.a`: Input should be a valid int"),
        ("store.json", {"shard_sizes": [57, -1, 1]}, "damaged: its shards have other sizes"),
        ("store.json", {"num_pairs": 10**9}, "damaged: its shards have other sizes"),
        (
            "lengths.safetensors",
            {"src_lengths": np.zeros(56, np.int32)},
            "it has other `src_lengths`",
        ),
        (
            "lengths.safetensors",
            {"src_lengths": np.zeros(57, np.int64)},
            "it has other `src_lengths`",
        ),
        (
            "lengths.safetensors",
            {"tgt_lengths": np.full(57, -1, np.int32)},
            "`tgt_lengths` has a negative number",
        ),
        ("lengths.safetensors", {"tgt_lengths": np.full(57, 2**31 - 1, np.int32)}, "of its ids"),
        (SHARD, {"src_offsets": np.zeros(3, np.int64)}, "damaged: shard 2 has other arrays"),
        (SHARD, {"tgt_text": np.zeros((3, 2), np.uint8)}, "damaged: shard 2 has other arrays"),
        (SHARD, {"src_ids": np.zeros(3, np.uint16)}, "its lengths are not those of its ids"),
        (SHARD, {"src_ids": np.zeros(3, np.float32)}, "its header describes another file"),
    ],
)
def test_sizes_of_a_strange_store_are_not_believed(store, name, change, sentence):
    """The manifest agrees: whoever made the store is not us."""
    rewrite(store, name, lambda content: content.update(change))
    with pytest.raises(DamagedStoreError) as caught:
        open_store(store.path)
    assert sentence in str(caught.value)


def test_offsets_and_texts_of_a_strange_store_are_not_believed(store):
    def move(arrays):
        arrays["src_offsets"] += 10**9
        arrays["src_text"][:] = 0xFF

    rewrite(store, SHARD, move)
    strange = open_store(store.path)
    with pytest.raises(DamagedStoreError, match="shard 2 ends before its last pair"):
        strange.flat_ids("src", np.array([25]))
    with pytest.raises(DamagedStoreError, match="the text of pair 25 is not UTF-8"):
        strange.text("src", 25)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 20, b"\2\0\0\0\0\0\0\0[]", b"\x40\0\0\0\0\0\0\0{}",
     b'\x35\0\0\0\0\0\0\0{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}xxx'],
)  # fmt: skip
def test_a_header_that_describes_another_file_is_refused(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(DataError):
        map_arrays(tmp_path / "f")
