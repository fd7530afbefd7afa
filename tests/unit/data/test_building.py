import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data import building
from mtcli.data.building import build_store, open_or_build
from mtcli.data.dropped import BAD_LINES, Dropped
from mtcli.data.store import open_store
from mtcli.errors import DataError, RunFolderError
from mtcli.folders import verifying
from tests.support.tokenizers import ToyTokenizer

TOKENIZER = ToyTokenizer(longest=2)
NONE = np.empty(0, dtype=np.int64)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "a.en").write_text("".join(f"{'ab' * (i + 1)}\n" for i in range(20)))
    (tmp_path / "a.de").write_text("".join(f"{'cd' * (i + 1)}\n" for i in range(20)))
    return DataConfig(train=[TextSource(src=tmp_path / "a.en", tgt=tmp_path / "a.de")])


@pytest.fixture
def build(tmp_path, config):
    model = tmp_path / "tokenizer.model"
    model.write_text("model")

    def build(changed=None, holdout=NONE):
        return open_or_build(
            changed or config,
            holdout,
            cache_dir=tmp_path / "cache",
            tokenizers=(TOKENIZER, TOKENIZER),
            tokenizer_files=[model],
        )

    return build


def stores(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").iterdir() if path.is_dir())


def test_every_drop_is_counted_by_its_reason(tmp_path, config):
    pairs = [
        ("abab", "cdcd"),
        ("", "x"),
        ("x", " "),
        ("ab" * 11, "cd"),
        ("ab", "cdcdcd"),
        ("same", "same"),
        ("abab", "cdcd"),
        ("cdcd", "abab"),
    ]
    config = replace(
        config, max_length=10, max_length_ratio=2, drop_identical=True, drop_duplicates=True
    )
    dropped = Dropped(num_blank=3)
    for line in (4, 7):
        dropped.add_unusable("a.tsv", BAD_LINES, f"line {line} has 3 columns, but line 1 has 2")
    build_store(
        pairs,
        tokenizers=(TOKENIZER, TOKENIZER),
        config=config,
        path=tmp_path / "s",
        dropped=dropped,
    )
    store = open_store(tmp_path / "s")
    assert store.meta.drops == {
        "empty": 2,
        "too_long": 1,
        "length_ratio": 1,
        "identical": 1,
        "duplicate": 1,
        "bad_line": 2,
    }
    assert (store.meta.num_read, store.num_pairs) == (8 + 2, 2)
    assert store.meta.num_blank_lines == 3
    assert store.meta.warnings == [
        "a.tsv: dropped 2 bad lines; line 4 has 3 columns, but line 1 has 2"
    ]
    assert [store.text("src", pair) for pair in range(2)] == ["abab", "cdcd"]


@pytest.mark.parametrize("chunk_size", [1, 7, 100])
@pytest.mark.parametrize("shard_size", [1, 4, 20, 21])
def test_chunks_and_shards_change_nothing(tmp_path, config, monkeypatch, chunk_size, shard_size):
    monkeypatch.setattr(building, "_CHUNK_SIZE", chunk_size)
    pairs = [("a" * (i % 5), "b" * (i % 3 + 1)) for i in range(25)]  # every fifth is empty
    build_store(
        pairs,
        tokenizers=(TOKENIZER, TOKENIZER),
        config=config,
        path=tmp_path / "s",
        shard_size=shard_size,
    )
    store = open_store(tmp_path / "s")
    kept = [pair for pair in pairs if pair[0]]
    assert store.shard_sizes == [min(shard_size, 20 - i) for i in range(0, 20, shard_size)]
    assert [(store.text("src", i), store.text("tgt", i)) for i in range(20)] == kept
    assert store.meta.drops["empty"] == 5


def test_nothing_left_is_one_sentence_and_leaves_nothing(tmp_path, config):
    pairs = [("", "x"), ("", "x"), ("abababab", "x")]
    with pytest.raises(DataError) as caught:
        build_store(
            pairs,
            tokenizers=(TOKENIZER, TOKENIZER),
            config=replace(config, max_length=2),
            path=tmp_path / "s",
        )
    assert str(caught.value) == (
        "all 3 training pairs were dropped: 2 empty, 1 too_long\n"
        "hint: check the corpus, and the cleaning rules in the `data` section"
    )
    assert not list(tmp_path.glob("*s*.tmp-*"))
    assert not (tmp_path / "s").exists()


def test_a_store_is_built_once_and_found_again(build, tmp_path, monkeypatch):
    first = build()
    monkeypatch.setattr(building, "build_store", None)
    assert build().path == first.path
    assert stores(tmp_path) == [first.path.name]


def test_whatever_decides_the_content_decides_the_name(build, config, tmp_path):
    paths = {
        build().path,
        build(holdout=np.array([3])).path,
        build(replace(config, max_length=5)).path,
        build(replace(config, max_length_ratio=3)).path,
        build(replace(config, drop_identical=True)).path,
        build(replace(config, drop_duplicates=True)).path,
    }
    (tmp_path / "tokenizer.model").write_text("other")
    paths.add(build().path)
    (tmp_path / "a.en").write_text("x\n" * 20)
    paths.add(build().path)
    assert len(paths) == 8


def test_what_does_not_decide_the_content_does_not(build, config, tmp_path):
    first = build().path
    assert build(replace(config, prefetch_batches=3, valid=config.train)).path == first
    for name in ("a.en", "a.de"):
        (tmp_path / name).rename(tmp_path / f"moved.{name}")
    moved = TextSource(src=tmp_path / "moved.a.en", tgt=tmp_path / "moved.a.de")
    assert build(replace(config, train=[moved])).path == first


def test_held_out_pairs_are_left_out(build):
    store = build(holdout=np.array([0, 19]))
    assert store.meta.num_read == 18
    assert [store.text("src", i) for i in (0, 17)] == ["ab" * 2, "ab" * 19]


def test_who_comes_second_uses_what_is_there(build, tmp_path, monkeypatch):
    real = building.build_store

    def build_twice(pairs, **arguments):
        pairs = list(pairs)
        real(iter(pairs), **arguments)
        real(iter(pairs), **arguments)

    monkeypatch.setattr(building, "build_store", build_twice)
    assert build().num_pairs == 20
    assert len(stores(tmp_path)) == 1


def test_a_store_that_cannot_be_written_stays_an_error(build, monkeypatch):
    def fail(pairs, **arguments):
        raise RunFolderError("cannot write: No space left on device")

    monkeypatch.setattr(building, "build_store", fail)
    with pytest.raises(RunFolderError, match="No space left"):
        build()


def content_of(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [flip_a_bit, empty, Path.unlink], ids=["changed", "empty", "missing"]
)
@pytest.mark.parametrize(
    "name", ["shard_00000.safetensors", "lengths.safetensors", "store.json", "MANIFEST.json"]
)
def test_a_damaged_store_is_built_again_with_a_warning(build, caplog, name, damage):
    path = build().path
    whole = content_of(path)
    damage(path / name)
    store = build()
    assert store.path == path
    assert content_of(path) == whole
    assert [store.text("src", i) for i in (0, 19)] == ["ab", "ab" * 20]
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warning.startswith("a tokenized store is damaged, and is built again: ")
    assert str(path) in warning
    assert not list(path.parent.glob(".*.tmp-*"))


def test_a_file_in_the_place_of_a_store_is_built_over(build):
    path = build().path
    shutil.rmtree(path)
    path.touch()
    assert build().num_pairs == 20


def test_a_store_of_a_newer_mtcli_is_refused_and_stays(build):
    path = build().path
    manifest = json.loads((path / "MANIFEST.json").read_text())
    (path / "MANIFEST.json").write_text(json.dumps(manifest | {"format_version": 2}))
    with pytest.raises(DataError, match="has format_version 2, but this mtcli reads"):
        build()
    assert (path / "store.json").exists()


def test_a_store_that_the_system_refuses_to_read_stays(build, monkeypatch):
    path = build().path

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(verifying, "sha256_of", refuse)
    with pytest.raises(DataError, match=r"cannot read .*: Permission denied"):
        build()
    assert (path / "store.json").exists()


def test_a_store_that_another_process_has_built_again_stays(build, tmp_path, monkeypatch):
    path = build().path
    (path / "store.json").unlink()
    real = building.open_store

    def late(asked):
        """The other process comes in between the check and what follows from it."""
        try:
            return real(asked)
        finally:
            if not (path / "store.json").exists():
                shutil.rmtree(path)
                monkeypatch.setattr(building, "open_store", real)
                build()
                (path / "mark").touch()

    monkeypatch.setattr(building, "open_store", late)
    assert build().num_pairs == 20
    assert (path / "mark").exists()
    assert len(stores(tmp_path)) == 1


def test_a_store_that_cannot_be_replaced_says_what_to_remove(build, monkeypatch):
    path = build().path
    (path / "lengths.safetensors").unlink()
    monkeypatch.setattr(building, "remove_folder", lambda _: None)
    with pytest.raises(DataError) as caught:
        build()
    assert str(caught.value) == (
        f"{path} is incomplete: `lengths.safetensors` is missing\n"
        f"hint: remove {path}; the next start builds it again"
    )


RACE = """
import sys
from pathlib import Path
import numpy as np
from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.building import open_or_build
from tests.support.tokenizers import ToyTokenizer

folder, start = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
while not start.exists():
    pass
tokenizer = ToyTokenizer(longest=2)
store = open_or_build(
    DataConfig(train=[TextSource(src=folder / "a.en", tgt=folder / "a.de")]),
    np.empty(0, dtype=np.int64),
    cache_dir=folder / "cache",
    tokenizers=(tokenizer, tokenizer),
    tokenizer_files=[folder / "a.en"],
)
print(store.path, store.num_pairs, store.text("src", 19))
"""


def test_two_processes_at_once_end_with_one_good_store(tmp_path, config):
    command = [sys.executable, "-c", RACE, str(tmp_path), str(tmp_path / "start")]
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    (tmp_path / "start").touch()
    outputs = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    (name,) = stores(tmp_path)
    assert outputs == {f"{tmp_path / 'cache' / name} 20 {'ab' * 20}\n"}
