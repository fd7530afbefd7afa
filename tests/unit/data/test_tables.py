import gzip
import json
import os
from pathlib import Path

import pytest

from mtcli.config.schema.data import HubSource, TableSource
from mtcli.data.sources import read_pairs
from mtcli.errors import DataError


def table(path, src_field="src", tgt_field="tgt"):
    kind = {"json": "jsonl", "gz": "csv"}.get(path.suffix[1:], path.suffix[1:])
    return TableSource(kind=kind, path=path, src_field=src_field, tgt_field=tgt_field)


def read(path, *fields):
    return list(read_pairs([table(path, *fields)]))


def write_arrow(path, columns):
    import pyarrow

    content = pyarrow.table(columns)
    new = pyarrow.ipc.new_file if "file" in path.name else pyarrow.ipc.new_stream
    with pyarrow.OSFile(str(path), "wb") as file, new(file, content.schema) as writer:
        writer.write(content)


def write_parquet(path, columns):
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(columns), path)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if path.suffix == ".arrow":
            write_arrow(path, content)
        elif path.suffix == ".parquet":
            write_parquet(path, content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def test_csv_is_text_whatever_it_looks_like(write):
    path = write(
        "a.csv",
        'n,tgt,src\n1,NA,"a, ""b"""\n2,null,007\n3,None,1e5\n,x\u2028y\x0cz,\n4,  ,2016-01-01\n',
    )
    assert read(path) == [
        ('a, "b"', "NA"),
        ("007", "null"),
        ("1e5", "None"),
        ("", "x\u2028y\x0cz"),
        ("2016-01-01", "  "),
    ]


def test_gzipped_csv_and_names_that_look_like_patterns(write):
    assert read(write("a.csv.gz", gzip.compress(b"src,tgt\na,b\n"))) == [("a", "b")]
    assert read(write("a[1]*?.csv", "src,tgt\nc,d\n")) == [("c", "d")]


def test_json_lines_with_nested_objects_and_nulls(write):
    records = [
        {"id": 1, "translation": {"en": "a\u2028b\x85c", "de": "x"}},
        {"id": 2, "translation": {"en": None, "de": "y"}},
        {"id": 3, "translation": {"en": "\0", "de": "7"}},
        {"id": 4},
    ]
    content = "\n".join(json.dumps(record, ensure_ascii=i == 2) for i, record in enumerate(records))
    assert read(write("a.jsonl", content), "translation.en", "translation.de") == [
        ("a\u2028b\x85c", "x"),
        ("", "y"),
        ("\0", "7"),
        ("", ""),
    ]


def test_a_dot_in_a_columns_name_is_found(write):
    assert read(write("a.jsonl", '{"s.en": "a", "t": "b"}\n'), "s.en", "t") == [("a", "b")]


@pytest.mark.parametrize("name", ["a.parquet", "a.file.arrow", "a.stream.arrow"])
def test_parquet_and_arrow(write, name):
    path = write(name, {"src": ["a", "b"], "tgt": ["x", None], "n": [1, 2]})
    assert read(path) == [("a", "x"), ("b", "")]


def test_many_records_keep_their_order(write):
    lines = [json.dumps({"src": f"s{i}", "tgt": f"t{i}"}) for i in range(2500)]
    assert read(write("a.jsonl", "\n".join(lines))) == [(f"s{i}", f"t{i}") for i in range(2500)]


def test_a_missing_column_is_named_with_the_columns_found(write):
    path = write("a.csv", "source,target\na,b\n")
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: `src_field` is `src`, but the columns are source, target"


def test_a_missing_inner_field_is_named(write):
    path = write("a.jsonl", '{"translation": {"en": "a", "de": "b"}}\n')
    with pytest.raises(DataError) as caught:
        read(path, "translation.en", "translation.fr")
    assert str(caught.value) == (
        f"{path}: `tgt_field` is `translation.fr`, but `translation` has en, de"
    )


def test_what_is_not_text_is_named_with_its_record(write):
    path = write("a.jsonl", '{"src": "a", "tgt": "b"}\n{"src": 5, "tgt": "b"}\n')
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}, record 2: `src` is 5, which is not text"


def test_bad_utf8_is_named_with_its_line(write):
    for name, content in (("a.csv", b"src,tgt\na,\xff\n"), ("a.jsonl", b'{}\n{"src": "\xff"}\n')):
        path = write(name, content)
        with pytest.raises(DataError, match=r"line 2: byte \d+ is 0xff, which is not UTF-8"):
            read(path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "src,tgt\na,b\na,b,c\n", "Expected 2 fields in line 3, saw 3"),
        ("a.jsonl", '{"src": "a", "tgt": "b"}\n{"src": }\n', "JSON parse error"),
    ],
)
def test_a_malformed_file_is_one_sentence(write, name, content, reason):
    path = write(name, content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} cannot be read as {path.suffix[1:]}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_rubbish_is_one_sentence(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"rubbish")
    with pytest.raises(DataError, match=f"cannot be read as {suffix}: "):
        read(path)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "arrow"])
def test_a_missing_and_an_empty_file_are_one_sentence(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path} does not exist"
    path.touch()
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"the corpus is empty: there are no sentence pairs in {path}"


def test_a_csv_of_nothing_but_its_header_is_empty(write):
    with pytest.raises(DataError, match="the corpus is empty"):
        read(write("a.csv", "src,tgt\n"))


def test_nothing_is_written_and_nothing_is_said(write, capfd, monkeypatch):
    import datasets

    def written():
        return {path for path in Path(os.environ["HF_HOME"]).rglob("*") if path.is_file()}

    before = written()
    read(write("a.csv", "src,tgt\na,b\n"))
    with pytest.raises(DataError):
        read(write("a.jsonl", '{"src": }\n'))
    assert written() == before
    assert capfd.readouterr() == ("", "")
    assert datasets.are_progress_bars_disabled()


# The hub itself is a network, so it alone is replaced here.

HUB = HubSource(
    kind="hub", name="someone/corpus", split="train", src_field="en", tgt_field="de", revision="v1"
)


@pytest.fixture
def hub(monkeypatch):
    import datasets

    calls = []

    def load_dataset(*args, **kwargs):
        calls.append((args, kwargs))
        return datasets.Dataset.from_dict({"en": ["a", "b"], "de": ["x", None]})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


def test_a_hub_source_asks_for_its_split_and_revision(hub):
    assert list(read_pairs([HUB])) == [("a", "x"), ("b", "")]
    assert hub[0] == (("someone/corpus", None), {"split": "train", "revision": "v1"})


def test_a_hub_that_cannot_be_reached_is_one_sentence(monkeypatch):
    import datasets

    def load_dataset(*args, **kwargs):
        raise ConnectionError("Couldn't reach the Hub.\nTry again.")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError) as caught:
        list(read_pairs([HUB]))
    assert str(caught.value) == (
        "cannot get the train split of someone/corpus from the hub: Couldn't reach the Hub\n"
        "hint: to read local files instead, set `data.root`, `local_src` and `local_tgt`"
    )


def test_offline_is_one_sentence():
    with pytest.raises(DataError, match=r"cannot get the train split of someone/corpus from the"):
        list(read_pairs([HUB]))
