"""`mtcli config`: a template that loads, a config as it is resolved, a schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app

runner = CliRunner()

SMALLEST = """\
src_lang: de
tgt_lang: en
run_dir: runs/a
data:
  train:
    - src: train.de
      tgt: train.en
"""
REQUIRED = [
    "--set=src_lang=de",
    "--set=tgt_lang=en",
    "--set=run_dir=runs/a",
    "--set=data.train[0].src=train.de",
    "--set=data.train[0].tgt=train.en",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a config in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_bytes(SMALLEST.encode())
    return tmp_path


def stdout_of(*args: str) -> str:
    result = runner.invoke(app, ["config", *args])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def values_of(shown: str) -> list[str]:
    """What `show` printed, without where it comes from."""
    return [line.split("  # ")[0] for line in shown.split("\n")]


def test_show_prints_every_value_with_absolute_paths(folder):
    lines = values_of(stdout_of("show", "c.yaml"))
    assert f"run_dir: {folder}/runs/a" in lines
    assert f"      src: {folder}/train.de" in lines
    assert f"  cache_dir: {folder}/runs/.cache" in lines
    assert "  tokens_per_update: 4096" in lines
    assert "  average_last: 1" in lines


def test_what_show_prints_shows_as_itself(folder):
    shown = stdout_of("show", "c.yaml")
    (folder / "again.yaml").write_bytes(shown.encode())
    assert values_of(stdout_of("show", "again.yaml")) == values_of(shown)


def test_the_template_with_its_required_keys_shows_as_the_defaults(folder):
    (folder / "t.yaml").write_bytes(stdout_of("template").encode())
    want = values_of(stdout_of("show", "c.yaml"))
    assert values_of(stdout_of("show", "t.yaml", *REQUIRED)) == want


def test_show_sets_keys(folder):
    lines = stdout_of("show", "c.yaml", "--set", "optim.lr=3e-4", "--set", "seed=7").split("\n")
    assert "  lr: 0.0003  # --set" in lines
    assert "seed: 7  # --set" in lines
    assert "src_lang: de  # c.yaml line 1" in lines
    assert "  d_model: 512  # default" in lines


def test_show_names_the_preset(folder):
    lines = stdout_of("show", "c.yaml", "--set", "preset=tiny").split("\n")
    assert "  d_model: 128  # preset tiny" in lines


def test_every_problem_is_shown(folder):
    (folder / "c.yaml").write_bytes((SMALLEST + "optim:\n  beta: 3\nseed: x\n").encode())
    result = runner.invoke(app, ["config", "show", "c.yaml", "--set", "optim.lrr=1"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: 3 problems in c.yaml\n"
        "  line   9           optim.beta            unknown key; did you mean `betas`?\n"
        "  line  10           seed                  found 'x', must be a whole number,"
        " at least 0 and below 4294967296\n"
        "  --set optim.lrr=1  optim.lrr             unknown key; did you mean `lr`?\n"
    )


def test_schema_is_json():
    assert json.loads(stdout_of("schema"))["title"] == "TrainConfig"
