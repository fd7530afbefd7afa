"""`preset: auto` and `vocab_size: auto`: chosen once, from the data; shown, kept and overridden."""

import json

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.config.load import load_config
from mtcli.config.settle import Settled
from mtcli.config.unsettled import UnsettledConfig
from mtcli.errors import ConfigError, DataError
from mtcli.training.settling import settle
from mtcli.training.setup import train
from tests.support.small_run import write_corpus

CONFIG = """\
preset: auto
src_lang: en
tgt_lang: de
run_dir: run
data:
  train: [{src: train.en, tgt: train.de}]
  valid: [{src: valid.en, tgt: valid.de}]
model: {d_model: 16, encoder_layers: 1, decoder_layers: 1}
training: {max_steps: 12, device: cpu, precision: fp32}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_corpus(tmp_path)
    (tmp_path / "my.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    # as on a machine of another speed: choices must not depend on the one that runs the test
    monkeypatch.setattr("mtcli.training.throughput.reference_tokens_per_s", lambda config: 4000.0)
    return tmp_path


def invoke(*arguments):
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == 0, result.output
    return result.output


def lines_of(text):
    """Value and origin of each key, by its name; names of sections are lost."""
    found = {}
    for line in text.split("\n"):
        key, _, rest = line.strip(" -").partition(": ")
        value, _, origin = rest.partition("  # ")
        found[key] = (value, origin)
    return found


def test_show_prints_what_a_run_will_choose_with_reasons(folder):
    shown = invoke("config", "show", "my.yaml", "--budget", "1h")
    keys = lines_of(shown)
    assert keys["d_model"] == ("16", "my.yaml line 8")
    assert keys["num_heads"] == ("4", "auto: heads of 4 columns")
    assert keys["vocab_size"] == ("318", "auto: the text has only 24 different words")
    assert keys["fit"] == ("budget", "auto: the rate is zero when the budget ends")
    assert keys["sample_src"][1].startswith("auto: sampled pieces are learned slowly")
    assert keys["warmup_steps"] == ("1", "auto: 8% of about 12 updates")
    assert keys["norm_eps"] == ("1.0e-05", "default")
    told = invoke("train", "my.yaml", "--budget", "1h")
    assert "auto: model.num_heads 4: heads of 4 columns" in told
    assert "auto: tokenizer.byte_fallback true: so that nothing is unknown" in told
    assert load_config(folder / "run/config.yaml") == load_config(
        _saved(folder / "shown.yaml", shown)
    )
    saved = lines_of((folder / "run/config.yaml").read_text(encoding="utf-8"))
    assert saved["num_heads"] == ("4", "auto: heads of 4 columns")
    assert saved["d_model"] == ("16", "")


def _saved(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_resume_never_chooses_again(folder, monkeypatch):
    invoke("train", "my.yaml", "--budget", "1h")
    before = (folder / "run/config.yaml").read_text(encoding="utf-8")
    monkeypatch.setattr("mtcli.training.settling.read_facts", None)  # nobody looks at the data
    monkeypatch.setattr("mtcli.training.throughput.reference_tokens_per_s", None)
    for budget in ((), ("--budget", "7s"), ("--budget", "9d")):
        told = invoke("train", "my.yaml", *budget)
        assert "already at step 12" in " ".join(told.split())
        assert "auto:" not in told
        assert (folder / "run/config.yaml").read_text(encoding="utf-8") == before
    # a key that the user sets now is the user's, the rest stays as it was, reasons included
    invoke("train", "my.yaml", "--set", "training.max_steps=14")
    after = (folder / "run/config.yaml").read_text(encoding="utf-8")
    assert after == before.replace("max_steps: 12", "max_steps: 14")
    keys = lines_of(invoke("config", "show", "my.yaml", "--budget", "5d"))
    assert keys["num_heads"] == ("4", "auto: heads of 4 columns")
    assert keys["max_steps"][0] == "12"  # of the file again


@pytest.mark.slow
def test_a_run_that_starts_over_chooses_again(folder):
    invoke("train", "my.yaml")
    assert "fit: steps" in (folder / "run/config.yaml").read_text(encoding="utf-8")
    invoke("train", "my.yaml", "--fresh", "--budget", "1h")
    assert "fit: budget" in (folder / "run/config.yaml").read_text(encoding="utf-8")


def test_the_vocabulary_may_be_chosen_alone(folder):
    sets = ["--set", "preset=null", "--set", "tokenizer.vocab_size=auto"]
    sets += ["--set", "schedule={kind: wsd, warmup_steps: 2}"]
    keys = lines_of(invoke("config", "show", "my.yaml", *sets))
    assert keys["vocab_size"] == ("318", "auto: the text has only 24 different words")
    assert (keys["num_heads"], keys["sample_src"]) == (("8", "default"), ("0.0", "default"))
    invoke("train", "my.yaml", *sets)
    model = json.loads((folder / "run/best/model.json").read_text(encoding="utf-8"))
    assert model["tgt_vocab_size"] == 318
    assert "vocab_size: 318" in invoke("config", "show", "my.yaml", *sets)


def test_check_and_tokenizer_train_choose_as_well(folder):
    assert "auto: tokenizer.vocab_size 318" in invoke("train", "my.yaml", "--check")
    assert "318 pieces" in invoke("tokenizer", "train", "my.yaml", "--output-dir", "tokenizer")


@pytest.mark.slow
def test_from_python_a_config_is_settled_when_the_run_starts(folder):
    config = load_config(folder / "my.yaml")
    assert isinstance(config, UnsettledConfig)
    assert train(config).is_finished
    assert settle(load_config(folder / "run/config.yaml")) == Settled(
        load_config(folder / "run/config.yaml")
    )


def test_conflicts_with_what_is_chosen_have_the_users_line(folder):
    with pytest.raises(ConfigError, match=r"num_heads=3 .* d_model \(16\) must be a multiple of"):
        load_config(folder / "my.yaml", ["model.num_heads=3"])
    with pytest.raises(ConfigError, match="unknown key; did you mean `d_model`"):
        load_config(folder / "my.yaml", ["model.d_modle=3"])


def test_missing_data_are_named(folder):
    (folder / "train.de").unlink()
    with pytest.raises(DataError, match=r"train\.de"):
        settle(load_config(folder / "my.yaml"))


@pytest.mark.slow
def test_a_run_that_starts_from_a_model_has_its_architecture(folder):
    invoke("train", "my.yaml")
    tune = ["--set", "model=null", "--set", "run_dir=tuned", "--set", "training.init_from=run"]
    keys = lines_of(invoke("config", "show", "my.yaml", *tune))
    assert keys["d_model"] == ("16", "auto: as in the model that the run starts from")
    assert keys["shared"] == ("true", "auto: as in the model that the run starts from")
    assert "training.init_from: starting from " in invoke("train", "my.yaml", *tune)


def test_the_micro_batch_is_measured_once_and_remembered(folder, monkeypatch):
    measured = []

    def largest(config, num_processes):
        assert num_processes == 1
        measured.append(config.batch.max_tokens)
        return 768, "that much fits"

    monkeypatch.setattr("mtcli.training.batch_memory.largest_micro_batch", largest)
    sets = [
        "--set",
        "preset=null",
        "--set",
        "batch.max_tokens=auto",
        "--set",
        "training.max_steps=2",
    ]
    sets += ["--set", "tokenizer.vocab_size=318", "--set", "schedule={kind: wsd, warmup_steps: 1}"]
    assert "batch.max_tokens 768: that much fits" in invoke("train", "my.yaml", *sets)
    text = (folder / "run/config.yaml").read_text(encoding="utf-8")
    assert "  max_tokens: 768  # auto: that much fits\n" in text
    invoke("train", "my.yaml", *sets, "--set", "training.max_steps=4")
    assert "max_tokens: 768  # auto" in (folder / "run/config.yaml").read_text(encoding="utf-8")
    assert len(measured) == 1
