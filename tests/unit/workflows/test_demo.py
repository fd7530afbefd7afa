"""The demo's files are written whole, and never over others."""

import pytest
from ruamel.yaml import YAML

from mtcli.errors import MtcliError
from mtcli.workflows.demo import corpus_files, write_demo


def test_write_demo_writes_corpus_and_config(tmp_path):
    write_demo(tmp_path / "new")
    written = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    names = [
        f"new/data/demo/{s}.{lang}" for s in ("test", "train", "valid") for lang in ("de", "en")
    ]
    assert written == ["new/configs/demo.yaml", *names]
    assert (tmp_path / "new/data/demo/train.de").read_bytes() == corpus_files()["train.de"]
    config = YAML(typ="safe").load((tmp_path / "new/configs/demo.yaml").read_text("utf-8"))
    assert (config["src_lang"], config["tgt_lang"]) == ("en", "de")
    for source in (*config["data"]["train"], *config["data"]["valid"]):
        assert (tmp_path / "new" / source["src"]).is_file()
        assert (tmp_path / "new" / source["tgt"]).is_file()


def test_write_demo_may_run_twice(tmp_path):
    write_demo(tmp_path)
    write_demo(tmp_path)


def test_write_demo_overwrites_nothing(tmp_path):
    mine = tmp_path / "data" / "demo" / "valid.en"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine\n", encoding="utf-8")
    with pytest.raises(MtcliError) as caught:
        write_demo(tmp_path)
    assert str(caught.value) == (
        f"{mine} already exists and is not the file of the demo; nothing was written\n"
        "hint: move it away, or choose another folder"
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text(encoding="utf-8") == "mine\n"


def test_write_demo_says_when_the_folder_is_a_file(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(MtcliError, match=r"^cannot write the demo to .*file: Not a directory$"):
        write_demo(tmp_path / "file")
