"""Resolved configs: absolute, complete, and the same when resolved again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtcli.config.dump import dump_config
from mtcli.config.load import load_config
from mtcli.config.schema.data import DelimitedSource, HubSource, TextSource

ROOTED = """\
src_lang: de
tgt_lang: en
run_dir: runs/a
data:
  root: corpora
  train:
    - {src: a.de, tgt: /elsewhere/a.en}
    - {kind: tsv, path: b.tsv}
    - {kind: csv, path: c.csv, src_field: s, tgt_field: t}
    - {kind: hub, name: n, split: s, src_field: a, tgt_field: b, local_src: d.de, local_tgt: d.en}
    - {kind: hub, name: n, split: s, src_field: a, tgt_field: b}
  valid:
    - {src: v.de, tgt: v.en}
tokenizer:
  model: spm/m.model
"""


def test_relative_paths_start_from_the_working_folder(load, smallest, tmp_path):
    config = load(smallest)
    assert config.run_dir == tmp_path / "runs/a"
    assert config.data.train == [TextSource(src=tmp_path / "train.de", tgt=tmp_path / "train.en")]


def test_the_working_folder_is_the_current_one_unless_told(tmp_path, monkeypatch, smallest):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.yaml").write_bytes(smallest.encode())
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("sub/c.yaml")).run_dir == tmp_path / "runs/a"
    assert load_config(Path("sub/c.yaml"), working_dir=Path("sub")).run_dir == (
        tmp_path / "sub/runs/a"
    )


def test_the_cache_stands_beside_the_run(load, smallest, tmp_path):
    assert load(smallest).data.cache_dir == tmp_path / "runs/.cache"
    assert load(smallest, "data.cache_dir=c").data.cache_dir == tmp_path / "c"


def test_the_root_is_put_before_data_paths_only(load, tmp_path):
    config = load(ROOTED)
    root = tmp_path / "corpora"
    text, tsv, table, local, hub = config.data.train
    assert config.data.root == root
    assert text == TextSource(src=root / "a.de", tgt=Path("/elsewhere/a.en"))
    assert tsv == DelimitedSource(kind="tsv", path=root / "b.tsv")
    assert table.path == root / "c.csv"
    assert local == TextSource(src=root / "d.de", tgt=root / "d.en")
    assert isinstance(hub, HubSource)
    assert config.data.valid == [TextSource(src=root / "v.de", tgt=root / "v.en")]
    assert config.data.cache_dir == tmp_path / "runs/.cache"
    assert config.tokenizer.model == tmp_path / "spm/m.model"


def test_without_a_root_a_hub_source_stays_one_until_a_root_is_given(load, tmp_path):
    config = load(ROOTED, "data.root=null")
    source = config.data.train[3]
    assert isinstance(source, HubSource)
    assert source.local_src == Path("d.de")
    resolved = dump_config(config)
    assert load(resolved) == config
    moved = load(resolved, "data.root=/r").data.train[3]
    assert moved == TextSource(src=Path("/r/d.de"), tgt=Path("/r/d.en"))


@pytest.mark.parametrize("text", [ROOTED, ROOTED.replace("corpora", "null")])
def test_a_resolved_config_loads_to_itself_from_anywhere(load, text, tmp_path):
    config = load(text)
    path = tmp_path / "resolved.yaml"
    path.write_bytes(dump_config(config).encode())
    again = load_config(path, working_dir=tmp_path / "other")
    assert again == config
    assert dump_config(again) == dump_config(config)


def test_the_home_folder(load, smallest, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    config = load(smallest, "run_dir=~/runs/b", "data.root=~/corpora")
    assert config.run_dir == Path("/home/someone/runs/b")
    assert config.data.train[0].src == Path("/home/someone/corpora/train.de")


def test_dots_are_resolved_by_the_file_system(load, smallest, tmp_path):
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far/away")
    assert load(smallest, "run_dir=link/../x").run_dir == tmp_path.resolve() / "far/x"
    assert load(smallest, "run_dir=./link/x").run_dir == tmp_path / "link/x"


def test_validation_stays_absent(load, smallest):
    assert load(smallest).data.valid is None
