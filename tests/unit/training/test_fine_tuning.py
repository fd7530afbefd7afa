"""What keeps a tuned model near its start: `training.freeze` and `regularization.l2_to_start`."""

import logging
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from mtcli.config.load import load_config
from mtcli.config.schema.optimization import AdamWConfig, MuonConfig, SgdConfig
from mtcli.errors import ConfigError
from mtcli.model.seq2seq import PassSettings
from mtcli.training.frozen import freeze
from mtcli.training.optim import build_optimizers
from mtcli.training.setup import train
from mtcli.training.start_pull import StartPull
from tests.support.models import VARIANTS, random_batch, tiny_model
from tests.support.small_run import write_run

PARTS = ("embeddings", "encoder", "decoder")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(load_config(write_run(folder), working_dir=folder))
    return folder / "run"


def tune(folder, trained, *overrides):
    folder.mkdir(exist_ok=True)
    options = [f"training.init_from={trained}", *overrides]
    train(load_config(write_run(folder), options, working_dir=folder))
    return folder / "run"


def weights(run):
    return load_file(run / "last" / "model.safetensors")


def changes(run, other):
    one, two = weights(run), load_file(other / "model.safetensors")
    return {name: float(np.abs(one[name] - two[name]).max()) for name in one}


# ------------------------------------------------------------------------------------ freeze


@pytest.mark.parametrize("variant", ["pre-norm", "untied unscaled", "learned gelu"])
@pytest.mark.parametrize("part", PARTS)
def test_every_weight_is_of_one_part(variant, part):
    frozen = {other: names_frozen(variant, [other]) for other in PARTS}
    others = [name for other in PARTS if other != part for name in frozen[other]]
    assert frozen[part]
    assert frozen[part].isdisjoint(others)
    everything = {name for name, _ in tiny_model(variant).named_parameters()}
    assert frozen[part].union(others) == everything


def names_frozen(variant, parts):
    model = tiny_model(variant)
    freeze(model, parts)
    return {name for name, p in model.named_parameters() if not p.requires_grad}


@pytest.mark.parametrize("parts", [["embeddings"], ["encoder"], ["embeddings", "encoder"],
                                   ["encoder", "decoder"]])  # fmt: skip
@pytest.mark.parametrize(
    "config",
    [
        AdamWConfig(weight_decay=0.5),
        SgdConfig(kind="sgd", weight_decay=0.5),
        MuonConfig(kind="muon", weight_decay=0.5),
    ],
    ids=lambda config: config.kind,
)
def test_what_is_frozen_has_no_gradient_and_no_optimizer(parts, config):
    model = tiny_model("post-norm")
    freeze(model, parts)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    optimizers = build_optimizers(model, config)
    model(random_batch([(4, 3), (5, 6)]), 0.1, PassSettings()).backward()
    for part in optimizers.parts:
        part.step()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == (name in frozen), name
        assert torch.equal(parameter, before[name]) == (name in frozen), name
    moved = {key.partition("/")[2] for key in optimizers.state_dict()}
    assert moved == before.keys() - frozen
    assert {name for group in optimizers.describe() for name in group.names} == moved


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_a_frozen_encoder_gives_the_others_the_same_gradients(variant):
    model, free = tiny_model(variant), tiny_model(variant)
    freeze(model, ["encoder"])
    batch = random_batch([(4, 3), (5, 6)])
    for each in (model, free):
        each(batch, 0.1, PassSettings()).backward()
    for (name, one), other in zip(model.named_parameters(), free.parameters(), strict=True):
        if not name.startswith("encoder."):
            torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=0, msg=name)


def test_a_run_keeps_what_is_frozen_and_says_so(trained, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = tune(tmp_path, trained, "training.freeze=[embeddings, encoder]")
    moved = {name for name, change in changes(run, trained / "best").items() if change > 0}
    assert moved == {name for name in weights(run) if name.startswith("decoder.")}
    frozen = [weight for name, weight in weights(run).items() if not name.startswith("decoder.")]
    size = sum(weight.size for weight in frozen)
    assert f"frozen (embeddings, encoder): {len(frozen)} tensors, {size} weights" in caplog.text


def test_what_makes_no_sense_is_refused(tmp_path):
    path = write_run(tmp_path)
    for option, message in (
        ("training.freeze=[decoder, embeddings, encoder]", "freeze leaves nothing to train"),
        ("training={freeze: [embeddings], init_tokenizer: any}", "freeze would keep the random"),
        ("training.freeze=[encoders]", "training.freeze"),
        ("regularization.l2_to_start=0.1", "l2_to_start needs training.init_from, whose weights"),
    ):
        with pytest.raises(ConfigError, match=message):
            load_config(path, [option], working_dir=tmp_path)


# -------------------------------------------------------------------------------- L2 to start


def test_its_gradient_is_that_of_half_the_squared_distance():
    model, start = tiny_model("pre-norm"), tiny_model("pre-norm", seed=5)
    freeze(model, ["embeddings"])
    pull = StartPull(model, 0.3)
    pull.load_state_dict({n: p.detach() for n, p in start.named_parameters() if n in pull.weights})
    batch = random_batch([(4, 3), (5, 6)])
    loss = model(batch, 0.1, PassSettings())
    pairs = zip(model.named_parameters(), start.parameters(), strict=True)
    term = sum((p - s.detach()).square().sum() for (_, p), s in pairs if p.requires_grad)
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    wanted = torch.autograd.grad(loss + 0.15 * term, list(named.values()))
    model(batch, 0.1, PassSettings()).backward()
    pull.add_gradients()
    for name, want in zip(named, wanted, strict=True):
        torch.testing.assert_close(named[name].grad, want, msg=name)
    assert model.shared_embed.weight.grad is None


def test_a_strong_pull_keeps_the_model_near_its_start(trained, tmp_path):
    free = tune(tmp_path / "free", trained, "training.max_steps=12", "optim.lr=0.02")
    options = ["training.max_steps=12", "optim.lr=0.02", "regularization.l2_to_start=30"]
    pulled = tune(tmp_path / "pulled", trained, *options)
    distance = [sum(changes(run, trained / "best").values()) for run in (free, pulled)]
    assert distance[1] < 0.6 * distance[0]


def test_a_resumed_run_pulls_to_the_same_start_which_may_be_gone(trained, tmp_path):
    tuned = ["regularization.l2_to_start=2", "training.freeze=[embeddings]", "optim.lr=0.02"]
    copy = shutil.copytree((trained / "best").resolve(), tmp_path / "copy")
    whole = tune(tmp_path / "whole", copy, *tuned, "training.max_steps=6")
    resumed = tune(tmp_path / "parts", copy, *tuned, "training.max_steps=3")
    copy.rename(tmp_path / "gone")
    options = [f"training.init_from={copy}", *tuned, "training.max_steps=6"]
    folder = tmp_path / "parts"
    train(load_config(folder / "config.yaml", options, working_dir=folder))
    one, other = weights(whole), weights(resumed)
    assert all(np.array_equal(one[name], other[name]) for name in one)
