"""Names, ids, choice: what loggers are made of."""

import math
from dataclasses import asdict
from typing import get_args

import pytest

from mtcli.config.load import load_config
from mtcli.config.schema.logging import MlflowConfig, WandbConfig
from mtcli.errors import ConfigError
from mtcli.training.observers.loggers import choice
from mtcli.training.observers.loggers.choice import check_loggers, make_logger
from mtcli.training.observers.loggers.identities import Identities, _hashed
from mtcli.training.observers.loggers.mlflow import _name
from mtcli.training.observers.loggers.records import (
    hyperparameters_of,
    model_card_of,
    sample_of,
    scalars_of_steps,
    scalars_of_validation,
)
from mtcli.training.observers.loggers.replay import Tracker
from tests.support.made_runs import step_metrics, validation_metrics, write_made_run
from tests.support.small_run import write_run

KINDS = get_args(Tracker)


def test_numbers_of_steps():
    record = asdict(step_metrics(20, 40, 10)) | {"grad_norm": math.nan}
    found = scalars_of_steps(record)
    assert (found["train/loss"], found["train/lr"]) == (record["loss_per_token"], record["lr"])
    assert math.isnan(found["train/grad_norm"])
    assert found["progress/tgt_tokens"] == 40_000
    assert not any(name.startswith("train/lr_of/") for name in found)  # one group: it is train/lr


def test_each_group_of_parameters_has_its_rate():
    record = asdict(step_metrics(20, 40, 10)) | {"lr_of_groups": {"hidden": 0.1, "rest": 0.2}}
    found = scalars_of_steps(record)
    assert (found["train/lr_of/hidden"], found["train/lr_of/rest"]) == (0.1, 0.2)


def test_numbers_of_validations():
    record = asdict(validation_metrics(20, None)) | {"scores": {"chrf++": 3.0, "comet:a/b": 0.5}}
    found = scalars_of_validation(record | {"training_loss_per_token": None})
    assert (found["valid/chrf++"], found["valid/comet:a/b"]) == (3.0, 0.5)
    assert (found["valid/loss"], found["valid/best_step"]) == (record["loss_per_token"], 20)
    assert "valid/loss_of_training_pairs" not in found


def test_a_validation_of_an_earlier_mtcli():
    record = {"step": 1, "loss_per_token": 2.0, "bleu": 5.0, "chrf": None}
    assert scalars_of_validation(record) == {"valid/loss": 2.0, "valid/bleu": 5.0}
    assert sample_of(record) is None


def test_addresses_of_trackers_are_no_hyperparameters(tmp_path):
    entry = 'logging=[{"kind": "mlflow", "tracking_uri": "https://me:secret@host"}]'
    found = hyperparameters_of(write_made_run(tmp_path / "a", entry))
    assert found["data.train[0].kind"] == "text"
    assert "secret" not in str(found)


def test_a_run_without_a_model_has_no_card(tmp_path):
    assert model_card_of(write_made_run(tmp_path / "a", steps=10)) is None


def test_ids_are_kept_without_the_address(tmp_path):
    path = tmp_path / "loggers.json"
    place = "mlflow:https://me:secret@host"
    Identities(path).keep(place, "one")
    Identities(path).keep("wandb:a/b", "two")
    assert [Identities(path).get(each) for each in (place, "wandb:a/b", "wandb:a/c")] == [
        "one", "two", None,
    ]  # fmt: skip
    assert "secret" not in path.read_text(encoding="utf-8")


def test_newest_steps_are_kept_by_place_and_kind(tmp_path):
    path = tmp_path / "loggers.json"
    for kind, step in (("step", 10), ("validation", 10), ("step", 20)):
        Identities(path).keep_newest("wandb:a/b", kind, step)
    Identities(path).keep("wandb:a/b", "two")
    assert Identities(path).newest("wandb:a/b") == {"step": 20, "validation": 10}
    assert Identities(path).newest("wandb:a/c") == {}
    assert Identities(path).get("wandb:a/b") == "two"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"ids": 1, "newest_steps": 1}',
        '{"ids": {"wandb:x": 1}}',
        '{"newest_steps": {"wandb:x": 1}}',
        '{"newest_steps": {"wandb:x": {"step": "1"}}}',
    ],
)
def test_damaged_ids_are_like_none(tmp_path, content):
    path = tmp_path / "loggers.json"
    path.write_text(content.replace("wandb:x", _hashed("wandb:a/b")))
    assert Identities(path).get("wandb:a/b") is None
    assert Identities(path).newest("wandb:a/b") == {}
    Identities(path).keep("wandb:a/b", "two")
    Identities(path).keep_newest("wandb:a/b", "step", 1)
    assert Identities(path).get("wandb:a/b") == "two"
    assert Identities(path).newest("wandb:a/b") == {"step": 1}


def test_ids_that_are_not_kept():
    Identities(None).keep("wandb:a/b", "two")
    Identities(None).keep_newest("wandb:a/b", "step", 1)
    assert Identities(None).get("wandb:a/b") is None
    assert Identities(None).newest("wandb:a/b") == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_library_is_named(monkeypatch, kind, tmp_path):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    entries = [f'logging=[{{"kind": "{kind}"}}]']
    config = load_config(write_run(tmp_path), entries, working_dir=tmp_path)
    with pytest.raises(ConfigError) as raised:
        check_loggers(config.logging)
    assert raised.value.sentence == (
        f"logging to {kind} needs the library `{kind}`, which is not installed"
    )
    assert raised.value.hint.startswith(f"install it with `pip install '{kind}>=")
    assert hasattr(make_logger(config.logging[0]), "scalars")  # made without the library


def test_libraries_that_are_there(monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: name)
    check_loggers([WandbConfig(kind="wandb"), MlflowConfig(kind="mlflow")])


def test_folders_of_loggers_are_absolute(tmp_path):
    entry = 'logging=[{"kind": "tensorboard", "output": "tb"}, {"kind": "wandb", "output": "wb"}]'
    config = load_config(write_run(tmp_path), [entry], working_dir=tmp_path)
    assert [logger.output for logger in config.logging] == [tmp_path / "tb", tmp_path / "wb"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('{"kind": "tensorbord"}', "tensorboard"),
        ('{"kind": "wandb", "projekt": "a"}', "project"),
        ('{"project": "a"}', "kind"),
        ('{"kind": "wandb", "mode": "offlin"}', "offline"),
    ],
)
def test_mistakes_are_named(tmp_path, entry, problem):
    with pytest.raises(ConfigError, match=problem):
        load_config(write_run(tmp_path), [f"logging=[{entry}]"], working_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("valid/chrf++", "valid/chrfpp"),
        ("data.train[0].src", "data.train.0.src"),
        ("valid/command:./x 'y'", "valid/command:./x _y_"),
    ],
)
def test_names_that_mlflow_takes(name, plain):
    assert _name(name) == plain
