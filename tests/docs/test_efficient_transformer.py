"""Every config of the page on efficient Transformers trains, at the size of a toy."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from mtcli.cli.app import app
from tests.docs.test_configs import BLOCK, ROOT
from tests.support.small_run import write_run

PAGE = ROOT / "docs" / "guides" / "efficient-transformer.md"
_YAML = YAML(typ="safe", pure=True)
BLOCKS = [_YAML.load(block) for block in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
ONE_UPDATE = ["training.max_steps=1", "schedule.warmup_steps=1"]


def merged(base: dict, shown: dict) -> dict:
    """What is shown replaces what is there, key by key."""
    return base | {
        key: merged(base[key], value)
        if isinstance(value, dict) and isinstance(base.get(key), dict) and "kind" not in value
        else value
        for key, value in shown.items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A corpus of documents under the names that the page uses, and a run to start from."""
    folder = tmp_path_factory.mktemp("shown")
    write_run(folder)
    for lang in ("en", "de"):
        for split in ("train", "valid"):
            lines = (folder / f"{split}.{lang}").read_text(encoding="utf-8").splitlines()
            text = "".join(f"{line}\n" + "\n" * (n % 4 == 3) for n, line in enumerate(lines))
            (folder / f"{split}.{lang}").write_text(text, encoding="utf-8")
        (folder / f"my.{lang}").write_bytes((folder / f"train.{lang}").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert train("config.yaml", "runs/demo").exit_code == 0
    return folder


def train(config, run_dir):
    settings = [*ONE_UPDATE, f"run_dir={run_dir}"]
    return CliRunner().invoke(
        app, ["train", config, "-q", *(word for s in settings for word in ("--set", s))]
    )


def test_the_page_shows_every_technique_that_has_a_key():
    assert {key for block in BLOCKS for section in block.values() for key in section} >= {
        "encoder_attention", "decoder_attention", "num_kv_heads", "documents", "precision",
        "activation_checkpointing", "init_from", "decoder_layers",
    }  # fmt: skip


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_shown_config_trains(folder, number, monkeypatch):
    monkeypatch.chdir(folder)
    base = _YAML.load(Path("config.yaml").read_text(encoding="utf-8"))
    base["model"]["max_positions"] = 1024
    base["batch"] |= {"tokens_per_update": 400, "max_tokens": 400}
    shown = BLOCKS[number]
    if "documents" in shown.get("data", {}):  # its separator is one more piece
        base["tokenizer"] = {"vocab_size": 320}
    _YAML.dump(merged(base, shown), Path(f"shown-{number}.yaml"))
    result = train(f"shown-{number}.yaml", f"runs/shown-{number}")
    assert result.exit_code == 0, result.output
    assert Path(f"runs/shown-{number}/models/step_00000001/model.json").is_file()
