"""Environment variables count after options and written keys, and before defaults."""

from pathlib import Path

import pytest

from mtcli.config.load import load_config
from mtcli.config.provenance import explained_config
from mtcli.errors import ConfigError
from tests.support.small_run import write_run


@pytest.fixture
def path(tmp_path, monkeypatch):
    for name in ("MTCLI_CACHE_DIR", "MTCLI_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    path = write_run(tmp_path)
    text = path.read_text("utf-8")
    path.write_text(text.replace("device: cpu, ", ""), encoding="utf-8")
    return path


def load(path, *overrides):
    return load_config(path, overrides, working_dir=path.parent)


def test_the_default_comes_last(path):
    config = load(path)
    assert config.training.device == "auto"
    assert config.data.cache_dir == path.parent / ".cache"


def test_a_variable_comes_before_the_default(path, monkeypatch):
    monkeypatch.setenv("MTCLI_DEVICE", "cuda")
    monkeypatch.setenv("MTCLI_CACHE_DIR", "elsewhere")
    config = load(path)
    assert config.training.device == "cuda"
    assert config.data.cache_dir == path.parent / "elsewhere"
    monkeypatch.setenv("MTCLI_CACHE_DIR", "/abs/olute")
    assert load(path).data.cache_dir == Path("/abs/olute")
    monkeypatch.setenv("MTCLI_CACHE_DIR", "")
    assert load(path).data.cache_dir == path.parent / ".cache"


def test_a_written_key_and_an_override_come_before_a_variable(path, monkeypatch):
    monkeypatch.setenv("MTCLI_DEVICE", "cuda")
    monkeypatch.setenv("MTCLI_CACHE_DIR", "elsewhere")
    config = load(path, "training.device=auto", "data.cache_dir=here")
    assert config.training.device == "auto"
    assert config.data.cache_dir == path.parent / "here"
    with path.open("a", encoding="utf-8") as file:
        file.write("preset: tiny\n")
    text = path.read_text("utf-8").replace("training: {", "training: {device: cpu, ")
    path.write_text(text, encoding="utf-8")
    assert load(path).training.device == "cpu"
    assert load(path, "training.device=mps").training.device == "mps"


def test_a_section_that_is_not_written_gets_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("MTCLI_DEVICE", "mps")
    config = {
        "src_lang": "en",
        "tgt_lang": "de",
        "run_dir": "run",
        "preset": "tiny",
        "data": {"train": [{"src": "a", "tgt": "b"}]},
        "training": None,
    }
    assert load_config(config, ["training.max_steps=4"]).training.device == "mps"
    assert load_config({**config, "training": {"max_steps": 4}}).training.device == "mps"


def test_its_origin_is_shown_and_a_wrong_value_named(path, monkeypatch):
    monkeypatch.setenv("MTCLI_DEVICE", "cuda")
    shown = explained_config(path)
    assert "device: cuda  # MTCLI_DEVICE" in " ".join(shown.split()).replace(" #", "  #")
    monkeypatch.setenv("MTCLI_DEVICE", "tpu")
    with pytest.raises(ConfigError) as caught:
        load(path, "optim.lr=fast")
    places = [line.split("  ")[1] for line in str(caught.value).splitlines()[1:]]
    assert places == ["--set optim.lr=fast", "MTCLI_DEVICE"]
    assert "training.device" in str(caught.value)
