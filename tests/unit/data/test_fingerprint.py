import json
import os
import time
from dataclasses import replace

import pytest

from mtcli.config.schema.data import HubSource, TableSource, TextSource, TsvSource
from mtcli.data import fingerprint as fingerprint_module
from mtcli.data.fingerprint import fingerprint
from mtcli.errors import DataError, RunFolderError


@pytest.fixture
def source(tmp_path):
    for name in ("a.en", "a.de"):
        (tmp_path / name).write_text(name)
    return TextSource(src=tmp_path / "a.en", tgt=tmp_path / "a.de")


def age(path, seconds=10):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_it_follows_the_bytes_not_the_place(source, tmp_path):
    cache = tmp_path / "cache"
    before = fingerprint([source], cache)
    assert fingerprint([source], cache) == before
    (tmp_path / "moved").mkdir()
    moved = TextSource(src=source.src.rename(tmp_path / "moved" / "x"), tgt=source.tgt)
    assert fingerprint([moved], cache) == before
    moved.src.write_text("a.eN")
    assert fingerprint([moved], cache) != before


def test_sides_order_and_columns_matter(source, tmp_path):
    tsv = TsvSource(kind="tsv", path=source.src)
    csv = TableSource(kind="csv", path=source.src, src_field="a", tgt_field="b")
    variants = [
        [source],
        [TextSource(src=source.tgt, tgt=source.src)],
        [source, source],
        [tsv],
        [tsv, source],
        [source, tsv],
        [replace(tsv, tgt_column=2)],
        [csv],
        [replace(csv, kind="jsonl")],
        [replace(csv, src_field="c")],
    ]
    assert len({fingerprint(sources, tmp_path) for sources in variants}) == len(variants)


def test_a_hash_is_remembered_until_the_file_changes(source, tmp_path, monkeypatch):
    age(source.src)
    age(source.tgt)
    hashed = []
    real = fingerprint_module.sha256_of
    monkeypatch.setattr(
        fingerprint_module, "sha256_of", lambda path: (hashed.append(path), real(path))[1]
    )
    before = fingerprint([source], tmp_path / "cache")
    assert fingerprint([source], tmp_path / "cache") == before
    assert hashed == [source.src, source.tgt]
    source.src.write_text("A.EN")
    age(source.src, 5)
    assert fingerprint([source], tmp_path / "cache") != before
    assert hashed == [source.src, source.tgt, source.src]


def test_a_young_file_is_not_remembered(source, tmp_path):
    fingerprint([source], tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_damaged_cache_is_made_anew(source, tmp_path):
    age(source.src)
    before = fingerprint([source], tmp_path)
    for content in ("{", "[]"):
        (tmp_path / "fingerprints.json").write_text(content)
        assert fingerprint([source], tmp_path) == before
    assert len(json.loads((tmp_path / "fingerprints.json").read_text())) == 1


def test_a_missing_file_and_a_folder_are_one_sentence(source, tmp_path):
    source.tgt.unlink()
    with pytest.raises(DataError) as caught:
        fingerprint([source], tmp_path)
    assert str(caught.value) == f"{source.tgt} does not exist"
    source.tgt.mkdir()
    with pytest.raises(DataError) as caught:
        fingerprint([source], tmp_path)
    assert str(caught.value) == f"{source.tgt} is not a regular file"


def test_a_cache_that_cannot_be_written_is_one_sentence(source, tmp_path):
    age(source.src)
    with pytest.raises(RunFolderError) as caught:
        fingerprint([source], source.tgt)
    assert (
        str(caught.value)
        == f"cannot write {source.tgt / 'fingerprints.json'}: File exists ({source.tgt})"
    )


def test_a_hub_source_follows_the_data_set(monkeypatch, tmp_path):
    import datasets

    content = {"en": ["a"], "de": ["b"]}
    monkeypatch.setattr(
        datasets, "load_dataset", lambda *_, **__: datasets.Dataset.from_dict(content)
    )
    source = HubSource(kind="hub", name="x/y", split="train", src_field="en", tgt_field="de")
    before = fingerprint([source], tmp_path)
    assert fingerprint([source], tmp_path) == before
    assert fingerprint([replace(source, split="test")], tmp_path) != before
    content = {"en": ["a"], "de": ["c"]}
    assert fingerprint([source], tmp_path) != before
