"""`mtcli demo DIR` gives what the repository holds."""

import shlex
from pathlib import Path

from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.config.load import load_config

ROOT = Path(__file__).parents[2]


def test_it_writes_the_corpus_and_the_config_of_the_repository(tmp_path):
    result = CliRunner().invoke(app, ["demo", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    names = [
        "configs/demo.yaml",
        *(
            f"data/demo/{split}.{lang}"
            for split in ("train", "valid", "test")
            for lang in ("en", "de")
        ),
    ]
    for name in names:
        assert (tmp_path / "new" / name).read_bytes() == (ROOT / name).read_bytes(), name
    load_config(tmp_path / "new/configs/demo.yaml", working_dir=tmp_path / "new")


def test_the_command_that_it_prints_can_be_pasted(tmp_path, monkeypatch):
    monkeypatch.setattr("mtcli.workflows.demo.corpus_files", dict)
    folder = tmp_path / "my dêmo #1"
    result = CliRunner().invoke(app, ["demo", str(folder)])
    command = result.stderr.split("`")[-2]
    change_folder, _, train = command.partition(" && ")
    assert shlex.split(change_folder) == ["cd", str(folder)]
    assert train == "mtcli train configs/demo.yaml"


def test_a_file_that_differs_is_not_touched(tmp_path, monkeypatch):
    monkeypatch.setattr("mtcli.workflows.demo.corpus_files", lambda: {"test.en": b"ours\n"})
    path = tmp_path / "data/demo/test.en"
    path.parent.mkdir(parents=True)
    path.write_text("mine\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["demo", str(tmp_path)])
    assert result.exit_code == 2
    assert "test.en" in result.output
    assert path.read_text(encoding="utf-8") == "mine\n"
