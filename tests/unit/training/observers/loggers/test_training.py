"""Loggers beside a real training."""

import pytest

from mtcli.config.load import load_config
from mtcli.errors import ConfigError
from mtcli.training.observers.loggers import choice
from mtcli.training.observers.loggers import observer as module
from mtcli.training.setup import train
from tests.support.loggers import ToldLogger
from tests.support.small_run import write_run

SHORT = ("training.max_steps=4", "validation.every_steps=2", 'logging=[{"kind": "tensorboard"}]')


@pytest.fixture
def told(monkeypatch):
    made = [ToldLogger(), ToldLogger(), ToldLogger(fails_in="scalars")]
    loggers = iter(made)
    monkeypatch.setattr(choice, "find_spec", lambda name: name)
    monkeypatch.setattr(module, "make_logger", lambda config: next(loggers))
    return made


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_training_tells_its_loggers_and_survives_them(tmp_path, told, caplog):
    path = write_run(tmp_path)
    config = load_config(path, SHORT, working_dir=tmp_path)
    outcome = train(config, observers=[])
    first, resumed, failing = told
    assert first.names == ["begin", *["scalars", "scalars", "sample"] * 2, "model_card", "end"]
    assert first.calls[0] == ("begin", 1)
    assert first.calls[-1] == ("end", False)
    assert "translation model" in first.calls[-2][2]
    assert first.run.hyperparameters["training.max_steps"] == 4
    # resumed: what comes from the first new step on
    longer = load_config(path, [*SHORT, "training.max_steps=6"], working_dir=tmp_path)
    train(longer, observers=[])
    assert resumed.calls[0] == ("begin", 5)
    # a logger that fails changes nothing of the model
    caplog.clear()
    again = load_config(path, [*SHORT, "run_dir=again"], working_dir=tmp_path)
    other = train(again, observers=[])
    assert [m for m in caplog.messages if "nothing more is logged to A tracker" in m]
    weights = [(one.model / "model.safetensors").read_bytes() for one in (outcome, other)]
    assert weights[0] == weights[1]
    assert failing.names == ["begin", "scalars"]


def test_a_missing_library_ends_a_run_before_it_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    config = load_config(write_run(tmp_path), SHORT, working_dir=tmp_path)
    with pytest.raises(ConfigError, match="needs the library `tensorboard`"):
        train(config, observers=[])
    assert not (tmp_path / "run").exists()
