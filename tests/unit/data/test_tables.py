import os
import re
from pathlib import Path

import pytest

from mtcli.config.schema.data import HubSource, TableSource
from mtcli.data.sources import read_pairs
from mtcli.errors import DataError


def table(path, src_field="src", tgt_field="tgt"):
    return TableSource(kind=path.suffix[1:], path=path, src_field=src_field, tgt_field=tgt_field)


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
        else:
            write_parquet(path, content)
        return path

    return write


@pytest.mark.parametrize("name", ["a.parquet", "a.file.arrow", "a.stream.arrow"])
def test_parquet_and_arrow(write, name):
    path = write(name, {"src": ["a", "b"], "tgt": ["x", None], "n": [1, 2]})
    assert read(path) == [("a", "x"), ("b", "")]


def test_a_missing_column_is_named_with_the_columns_found(write):
    path = write("a.parquet", {"source": ["a"], "target": ["b"]})
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: `src_field` is `src`, but the columns are source, target"


def test_nested_objects_and_their_missing_fields(write):
    path = write("a.parquet", {"translation": [{"en": "a", "de": "b"}, {"en": None, "de": "c"}]})
    assert read(path, "translation.en", "translation.de") == [("a", "b"), ("", "c")]
    with pytest.raises(DataError) as caught:
        read(path, "translation.en", "translation.fr")
    assert str(caught.value) == (
        f"{path}: `tgt_field` is `translation.fr`, but `translation` has en, de"
    )


def test_what_is_not_text_is_named_with_its_record(write):
    path = write("a.parquet", {"src": [5, 6], "tgt": ["a", "b"]})
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}, record 1: `src` is 5, which is not text"


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_rubbish_is_one_sentence(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"rubbish")
    with pytest.raises(DataError, match=f"cannot be read as {suffix}: "):
        read(path)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_missing_and_an_empty_file_are_one_sentence(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path} does not exist"
    path.touch()
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"the corpus is empty: there are no sentence pairs in {path}"


def test_nothing_is_written_and_nothing_is_said(write, capfd, monkeypatch):
    import datasets

    def written():
        return {path for path in Path(os.environ["HF_HOME"]).rglob("*") if path.is_file()}

    before = written()
    read(write("a.parquet", {"src": ["a"], "tgt": ["b"]}))
    with pytest.raises(DataError):
        read(write("b.parquet", {"tgt": ["b"]}))
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


def test_a_cache_that_has_no_place_names_the_variable(monkeypatch, hub):
    import datasets

    for name in ("HOME", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    hint = "\nhint: set `HF_HOME` to a folder that can be written"
    with pytest.raises(DataError) as caught:
        list(read_pairs([HUB]))
    assert str(caught.value) == (
        f"cannot keep someone/corpus from the hub: this user has no home folder{hint}"
    )
    monkeypatch.setenv("HF_HOME", "/hf")
    assert len(list(read_pairs([HUB]))) == 2

    def load_dataset(*args, **kwargs):
        raise PermissionError(13, "Permission denied", "/hf/datasets")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match=re.escape(f"Permission denied: '/hf/datasets'{hint}")):
        list(read_pairs([HUB]))


def test_offline_is_one_sentence():
    with pytest.raises(DataError, match=r"cannot get the train split of someone/corpus from the"):
        list(read_pairs([HUB]))


@pytest.mark.parametrize("version", ["3.6.0", "2.21.0", "3.0.0.dev0"])
def test_a_version_that_runs_scripts_of_strangers_is_refused(write, monkeypatch, version):
    """Whatever the variable says that allows it."""
    import datasets

    monkeypatch.setattr(datasets, "__version__", version)
    monkeypatch.setenv("HF_DATASETS_TRUST_REMOTE_CODE", "1")
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("loaded"))
    hub = HubSource(kind="hub", name="a/b", split="train", src_field="src", tgt_field="tgt")
    for source in (table(write("a.parquet", {"src": ["a"], "tgt": ["b"]})), hub):
        with pytest.raises(DataError) as caught:
            list(read_pairs([source]))
        assert str(caught.value) == (
            f"`datasets` {version} can run a stranger's script: tables and the hub need version 4\n"
            "hint: run `pip install 'datasets>=4,<6'`"
        )
