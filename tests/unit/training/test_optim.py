"""Optimizers: who moves what, and that their state survives a round trip."""

import subprocess
import sys

import pytest
import torch

from mtcli.config.schema.optimization import AdamConfig, AdamWConfig, MuonConfig, SgdConfig
from mtcli.errors import CheckpointError
from mtcli.training.optim import build_optimizers
from tests.reference import muon_written_out
from tests.support.models import random_batch, tiny_model

CONFIGS = [
    AdamWConfig(lr=1e-2, weight_decay=0.1),
    MuonConfig(kind="muon", weight_decay=0.1),
    AdamConfig(kind="adam", lr=1e-2, weight_decay=0.1),
    SgdConfig(kind="sgd", weight_decay=0.1),
    SgdConfig(kind="sgd", momentum=0.5, nesterov=True, weight_decay=0.1),
    SgdConfig(kind="sgd", momentum=0.0, weight_decay=0.1),
]
every = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.kind)


def take_steps(model, optimizers, number):
    for seed in range(number):
        model(random_batch([(4, 5), (3, 2)], seed), 0.1).backward()
        for part in optimizers.parts:
            part.step()
        optimizers.zero_grad()


@every
@pytest.mark.parametrize("variant", ["pre-norm", "untied unscaled", "learned gelu"])
def test_every_parameter_is_moved_by_exactly_one_group(config, variant):
    model = tiny_model(variant)
    names = [name for group in build_optimizers(model, config).describe() for name in group.names]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())


@every
def test_decay_spares_embeddings_norms_and_biases(config):
    groups = build_optimizers(tiny_model("untied unscaled"), config).describe()
    decayed = [name for group in groups if group.weight_decay for name in group.names]
    assert decayed
    assert all(name.endswith("_proj.weight") for name in decayed)
    assert not any("embed" in n or "norm" in n or n == "output_proj.weight" for n in decayed)


@every
def test_the_schedule_scales_every_peak(config):
    optimizers = build_optimizers(tiny_model("pre-norm"), config)
    optimizers.set_lr(0.25)
    optimizers.set_lr(0.5)
    got = [group["lr"] for part in optimizers.parts for group in part.param_groups]
    assert got == [group.lr * 0.5 for group in optimizers.describe()]


@every
def test_state_goes_through_its_names_and_back_bit_for_bit(config):
    model, other = tiny_model("pre-norm"), tiny_model("pre-norm")
    optimizers, others = build_optimizers(model, config), build_optimizers(other, config)
    take_steps(model, optimizers, 3)
    tensors = optimizers.state_dict()
    assert all(key.count("/") == 1 for key in tensors)
    other.load_state_dict(model.state_dict())
    others.load_state_dict({key: value.clone() for key, value in tensors.items()})
    take_steps(model, optimizers, 2)
    take_steps(other, others, 2)
    for (name, a), b in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b), name


def test_muons_other_group_may_follow_the_schedule_in_its_own_way():
    config = MuonConfig(kind="muon", lr=0.02, adam_lr=0.004, adam_schedule_power=2)
    optimizers = build_optimizers(tiny_model("pre-norm"), config)
    optimizers.set_lr(0.5)
    got = [group["lr"] for part in optimizers.parts for group in part.param_groups]
    assert got == [0.02 * 0.5, 0.004 * 0.25]


def test_a_group_says_what_it_is_and_which_other_power_of_the_schedule_it_follows():
    config = MuonConfig(kind="muon", lr=0.02, weight_decay=0.1, adam_lr=4e-3, adam_schedule_power=2)
    optimizers = build_optimizers(torch.nn.Linear(3, 2), config)
    assert [str(group) for group in optimizers.describe()] == [
        "hidden matrices (muon): 1 tensors, 6 weights, lr 0.02, weight decay 0.1",
        "embeddings, norms, biases (adamw): 1 tensors, 2 weights, lr 0.004"
        " (schedule to the power 2), weight decay 0",
    ]


@pytest.mark.parametrize(
    "config",
    [
        AdamConfig(kind="adam", lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1),
        SgdConfig(kind="sgd", lr=0.01, momentum=0.9, weight_decay=0.1),
        SgdConfig(kind="sgd", lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    ],
    ids=["adam", "sgd", "nesterov"],
)
def test_adam_and_sgd_are_their_formulas_with_l2_in_the_gradient(config):
    """Kingma & Ba 2015, algorithm 1; Sutskever et al. 2013 as torch writes it."""
    model = tiny_model("pre-norm")
    optimizers = build_optimizers(model, config)
    weight = dict(model.named_parameters())["encoder.layers.0.feed_forward.in_proj.weight"]
    want, first, second = weight.detach().clone(), 0.0, 0.0
    for step in range(1, 4):
        model(random_batch([(4, 5), (3, 2)], step), 0.1).backward()
        gradient = weight.grad.clone() + 0.1 * want
        for part in optimizers.parts:
            part.step()
        optimizers.zero_grad()
        if config.kind == "adam":
            first = 0.8 * first + 0.2 * gradient
            second = 0.9 * second + 0.1 * gradient**2
            root = (second / (1 - 0.9**step)) ** 0.5 + 1e-6
            want = want - 0.01 * first / (1 - 0.8**step) / root
        else:
            first = 0.9 * first + gradient
            want = want - 0.01 * (gradient + 0.9 * first if config.nesterov else first)
    torch.testing.assert_close(weight.detach(), want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("config", "name", "decay"),
    [
        (
            AdamWConfig(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1),
            "encoder.layers.0.feed_forward.in_proj.weight", 0.1,
        ),
        (
            AdamWConfig(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1),
            "shared_embed.weight", 0.0,
        ),
        (
            MuonConfig(kind="muon", adam_lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1),
            "shared_embed.weight", 0.0,
        ),
    ],
    ids=["hidden", "embedding", "muon's embedding"],
)  # fmt: skip
def test_adamw_is_its_formula_with_the_decay_apart_from_the_gradient(config, name, decay):
    """Loshchilov & Hutter 2019, algorithm 2, with the decay times the learning rate as in torch."""
    model = tiny_model("pre-norm")
    optimizers = build_optimizers(model, config)
    weight = dict(model.named_parameters())[name]
    want, first, second = weight.detach().clone(), 0.0, 0.0
    for step in range(1, 4):
        model(random_batch([(4, 5), (3, 2)], step), 0.1).backward()
        gradient = weight.grad.clone()
        for part in optimizers.parts:
            part.step()
        optimizers.zero_grad()
        first = 0.8 * first + 0.2 * gradient
        second = 0.9 * second + 0.1 * gradient**2
        root = (second / (1 - 0.9**step)) ** 0.5 + 1e-6
        want = (1 - 0.01 * decay) * want - 0.01 * first / (1 - 0.8**step) / root
    torch.testing.assert_close(weight.detach(), want, rtol=1e-10, atol=1e-12)


def test_state_of_another_model_is_refused():
    optimizers = build_optimizers(tiny_model("pre-norm"), CONFIGS[0])
    with pytest.raises(CheckpointError, match=r"exp_avg/nobody\.weight` belongs to no parameter"):
        optimizers.load_state_dict({"exp_avg/nobody.weight": torch.zeros(1)})


def test_muons_update_is_an_orthogonalised_nesterov_step():
    """Against Newton-Schulz in float64, written out (Jordan et al. 2024)."""
    torch.manual_seed(0)
    model = tiny_model("pre-norm").float()
    optimizers = build_optimizers(model, MuonConfig(kind="muon", lr=0.1, momentum=0.9))
    name = "encoder.layers.0.feed_forward.in_proj.weight"
    weight = dict(model.named_parameters())[name]
    before = weight.detach().double().clone()
    gradients = []
    for seed in range(2):
        model(random_batch([(4, 5), (3, 2)], seed), 0.1).backward()
        gradients.append(weight.grad.double().clone())
        optimizers.parts[0].step()
        optimizers.zero_grad()
    want = muon_written_out(before, gradients, 0.1, 0.9, 0.0)
    moved = (want - before).norm()
    # fp32 against float64; one iteration less is 0.6 away
    assert (weight.detach().double() - want).norm() / moved < 1e-4


def test_updates_import_neither_the_compiler_nor_what_only_sharding_needs():
    code = """
import sys, torch
from mtcli.config.schema.optimization import AdamWConfig, MuonConfig
from mtcli.training.optim import build_optimizers
for config in (AdamWConfig(), MuonConfig(kind="muon")):
    model = torch.nn.Linear(3, 2)
    optimizers = build_optimizers(model, config)
    model(torch.ones(1, 3)).sum().backward()
    before = model.weight.detach().clone()
    for part in optimizers.parts:
        part.step()
    optimizers.zero_grad()
    assert not torch.equal(before, model.weight) and model.weight.grad is None
print(sorted({"torch._dynamo", "sympy", "torch.distributed.tensor"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
