"""Checkpoints whose manifest agrees, and which no run has written."""

from __future__ import annotations

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from mtcli.config.schema.optimization import AdamWConfig, InverseSqrtConfig
from mtcli.distributed.world import World
from mtcli.errors import CheckpointError
from mtcli.folders import sha256_of
from mtcli.training.averaging import ExponentialAverage
from mtcli.training.checkpoint import read_checkpoint, write_checkpoint
from mtcli.training.fingerprints import DataFingerprints
from mtcli.training.optim import build_optimizers
from mtcli.training.state import RunState
from mtcli.training.trained_model import TrainedModel
from tests.support.models import tiny_model

WEIGHT = "encoder.final_norm.weight"


def fresh_state():
    model = tiny_model().float()
    return RunState(
        TrainedModel(model, model, ExponentialAverage(model, decay=0.9)),
        build_optimizers(model, AdamWConfig()),
        torch.amp.GradScaler("cpu", enabled=True),
        DataFingerprints({"the training pairs": "a" * 64}),
        InverseSqrtConfig(),
        best_by="bleu",
    )


@pytest.fixture
def saved(tmp_path):
    state = fresh_state()
    for parameter in state.parts["model"].model.parameters():
        parameter.grad = torch.ones_like(parameter)
    state.parts["optimizer"].as_one.step()
    state.best.validated({"bleu": 1.5, "chrf": 2.5, "loss": 3.5}, step=1)
    write_checkpoint(tmp_path / "saved", 1, state.parts, World())
    read_checkpoint(tmp_path / "saved").restore(fresh_state().parts)
    return tmp_path / "saved"


def agree(path):
    """Make the manifest agree with a file that a test changed."""
    manifest_path = path.parent / "MANIFEST.json"
    manifest = json.loads(manifest_path.read_bytes())
    manifest["files"][path.name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    manifest_path.write_text(json.dumps(manifest), "utf-8")


def refusal(saved):
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(saved).restore(fresh_state().parts)
    return str(caught.value).removeprefix("the checkpoint of step 1 does not fit this run: ")


MISSING = object()


@pytest.mark.parametrize(
    ("part", "key", "value", "sentence"),
    [
        ("progress", "step", MISSING, "its state lacks `step`"),
        ("progress", "epoch", "1", "its state has another `epoch` than a whole number from 0: '1'"),
        ("progress", "update", -1, "its state has another `update` than a whole number from 0: -1"),
        ("progress", "cpu_s", [], "its state has another `cpu_s` than a number: []"),
        (
            "progress",
            "total_steps",
            True,
            "its state has another `total_steps` than a whole number from 0 or null: True",
        ),
        ("best", "metric", MISSING, "its state lacks `metric`"),
        ("best", "score", "x", "its state has another `score` than a number or null: 'x'"),
        ("plateau", "ratio", None, "its state has another `ratio` than a number: None"),
        ("rates", "last", [], "its state has another `last` than an object: []"),
        ("rates", "next", {"all": "x"}, "its state has another `all` than a number: 'x'"),
        ("data", "the training pairs", 5, "another `the training pairs` than a text: 5"),
        ("scaler", "scale", MISSING, "its state lacks `scale`"),
        ("ema", "num_steps", MISSING, "its state lacks `num_steps`"),
    ],
)
def test_a_value_that_is_missing_or_of_another_type(saved, part, key, value, sentence):
    path = saved / "state.json"
    content = json.loads(path.read_bytes())
    if value is MISSING:
        del content[part][key]
    else:
        content[part][key] = value
    path.write_text(json.dumps(content), "utf-8")
    agree(path)
    assert sentence in refusal(saved)


@pytest.mark.parametrize("content", ["[]", '{"format_version": 2, "step": 1, "best": []}'])
def test_a_state_that_is_not_an_object(saved, content):
    path = saved / "state.json"
    path.write_text(content, "utf-8")
    agree(path)
    what = "it" if content == "[]" else "`best`"
    assert refusal(saved) == f"{path}: damaged, {what} is not an object"


@pytest.mark.parametrize(
    ("file", "key", "value", "sentence"),
    [
        ("model", WEIGHT, torch.zeros(3), f"`{WEIGHT}` has the shape [3], not [12]"),
        ("model", WEIGHT, torch.zeros(12).int(), f"`{WEIGHT}` is not a tensor of numbers"),
        ("ema", WEIGHT, torch.zeros(3), f"`{WEIGHT}` has the shape [3], not [12]"),
        ("ema", WEIGHT, MISSING, f"only the model of the config has the weight `{WEIGHT}`"),
        ("ema", "x", torch.zeros(1), "only the model of the checkpoint has the weight `x`"),
        (
            "optimizer",
            f"exp_avg/{WEIGHT}",
            torch.zeros(3),
            f"`optimizer/exp_avg/{WEIGHT}` has the shape [3], not [12]",
        ),
        (
            "optimizer",
            f"step/{WEIGHT}",
            torch.zeros(2),
            f"`optimizer/step/{WEIGHT}` has the shape [2], not []",
        ),
        (
            "optimizer",
            f"exp_avg_sq/{WEIGHT}",
            MISSING,
            f"the optimizer state lacks `exp_avg_sq/{WEIGHT}`",
        ),
    ],
)
def test_a_tensor_that_is_missing_or_of_another_shape(saved, file, key, value, sentence):
    path = saved / f"{file}.safetensors"
    tensors = load_file(path)
    if value is MISSING:
        del tensors[key]
    else:
        tensors[key] = value
    save_file(tensors, path)
    agree(path)
    assert re.search(re.escape(sentence), refusal(saved))
