import json
import os
import time
from dataclasses import replace

import pytest

from mtcli.config.schema.data import (
    DelimitedSource,
    HubSource,
    JsonLinesSource,
    SpreadsheetSource,
    TableSource,
    TextSource,
    TmxSource,
)
from mtcli.data import fingerprint as fingerprint_module
from mtcli.data.fingerprint import fingerprint
from mtcli.errors import DataError


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


def test_everything_that_decides_the_pairs_matters(source, tmp_path):
    source.src.write_text("a\tb\tc\nd\te\tf\n")
    tsv = DelimitedSource(kind="tsv", path=source.src)
    csv = DelimitedSource(kind="csv", path=source.src, src_field="a", tgt_field="b")
    sheet = SpreadsheetSource(kind="xlsx", path=source.src)
    tmx = TmxSource(kind="tmx", path=source.src, src_lang="en", tgt_lang="de")
    jsonl = JsonLinesSource(kind="jsonl", path=source.src, src_field="a", tgt_field="b")
    parquet = TableSource(kind="parquet", path=source.src, src_field="a", tgt_field="b")
    variants = [
        [source],
        [TextSource(src=source.tgt, tgt=source.src)],
        [replace(source, encoding="latin-1")],
        [source, source],
        [tsv],
        [tsv, source],
        [source, tsv],
        [replace(tsv, tgt_column=2)],
        [replace(tsv, header=True)],
        [replace(tsv, quoting=True)],
        [replace(tsv, encoding="latin-1")],
        [replace(tsv, bad_lines="drop")],
        [csv],
        [replace(csv, src_field="c")],
        [sheet],
        [replace(sheet, sheet="x")],
        [replace(sheet, header=True)],
        [tmx],
        [replace(tmx, src_lang="fr")],
        [jsonl],
        [replace(jsonl, src_field="c")],
        [replace(jsonl, bad_lines="drop")],
        [parquet],
        [replace(parquet, kind="arrow")],
    ]
    assert len({fingerprint(sources, tmp_path) for sources in variants}) == len(variants)


def test_a_plain_tsv_file_has_the_fingerprint_of_mtcli_0_1(source, tmp_path):
    """So that a run of that version resumes; the digest is that of commit ef9b551."""
    source.src.write_text("A dog.\tEin Hund.\n")
    tsv = DelimitedSource(kind="tsv", path=source.src)
    assert (
        fingerprint([tsv], tmp_path)
        == "86a31392850b2b23c3a20221f23eb7b75e723144f157592b2bff45d804de51e6"
    )


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
    path = tmp_path / "fingerprints.json"
    written = path.read_text()
    assert len(json.loads(written).keys() - {"sha256"}) == 1
    # another hash of the same text is another name of its store: a run would not resume
    first_digit = written.index('": "') + len('": "')
    changed = "1" if written[first_digit] == "0" else "0"
    path.write_text(written[:first_digit] + changed + written[first_digit + 1 :])
    assert fingerprint([source], tmp_path) == before
    assert path.read_text() == written


def test_the_cache_of_an_earlier_mtcli_is_read(source, tmp_path, monkeypatch):
    age(source.src)
    age(source.tgt)
    before = fingerprint([source], tmp_path)
    content = json.loads((tmp_path / "fingerprints.json").read_text())
    del content["sha256"]
    (tmp_path / "fingerprints.json").write_text(json.dumps(content))
    monkeypatch.setattr(fingerprint_module, "sha256_of", None)
    assert fingerprint([source], tmp_path) == before


def test_a_missing_file_and_a_folder_are_one_sentence(source, tmp_path):
    source.tgt.unlink()
    with pytest.raises(DataError) as caught:
        fingerprint([source], tmp_path)
    assert str(caught.value) == f"{source.tgt} does not exist"
    source.tgt.mkdir()
    with pytest.raises(DataError) as caught:
        fingerprint([source], tmp_path)
    assert str(caught.value) == f"{source.tgt} is not a regular file"


def test_a_cache_that_cannot_be_written_is_only_slower(source, tmp_path):
    age(source.src)
    want = fingerprint([source], tmp_path / "cache")
    assert fingerprint([source], source.tgt) == want


def test_another_file_of_the_same_size_and_time_is_hashed(source, tmp_path):
    """Written over and put back in time, as by `rsync --inplace -t`; or replaced, as by `cp -p`."""
    age(source.src)
    status = source.src.stat()
    before = fingerprint([source], tmp_path)
    source.src.write_text("A.EN")
    os.utime(source.src, ns=(status.st_atime_ns, status.st_mtime_ns))
    written_over = fingerprint([source], tmp_path)
    (tmp_path / "new").write_text("b.en")
    os.utime(tmp_path / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "new").rename(source.src)
    assert len({before, written_over, fingerprint([source], tmp_path)}) == 3


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
