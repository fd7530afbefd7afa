"""Skipped layers: how often, what they do, and that nothing lacks a gradient."""

import pytest
import torch

from mtcli.model.layer_dropout import draw_is_skipped
from mtcli.model.seq2seq import PassSettings
from tests.support.models import random_batch, tiny_model

BATCH = random_batch([(5, 9), (7, 1), (2, 6)])


def test_the_probability_is_that_asked_for():
    torch.manual_seed(0)
    drawn = [draw_is_skipped(0.2) for _ in range(4000)]
    assert abs(sum(drawn) / 4000 - 0.2) < 0.03  # 4.7 standard deviations


def test_zero_draws_nothing():
    """So that a run without layer dropout has the dropout masks that it always had."""
    state = torch.get_rng_state()
    assert not draw_is_skipped(0.0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("variant", ["pre-norm", "post-norm"])
def test_a_model_whose_layers_are_all_skipped_is_one_without(variant, monkeypatch):
    model = tiny_model(variant).train()
    want_model = tiny_model(variant, encoder_layers=1, decoder_layers=1).train()
    for stack in (want_model.encoder, want_model.decoder):
        stack.layers = torch.nn.ModuleList()
    want_model.load_state_dict(
        {n: p for n, p in model.state_dict().items() if ".layers." not in n}, strict=True
    )
    settings = PassSettings(layer_dropout=0.999999)
    torch.testing.assert_close(model(BATCH, 0.1, settings), want_model(BATCH, 0.1))


def test_every_parameter_gets_a_gradient_and_those_of_skipped_layers_zero():
    model = tiny_model("pre-norm").train()
    torch.manual_seed(1)
    model(BATCH, 0.1, PassSettings(layer_dropout=0.5)).backward()
    assert all(p.grad is not None for p in model.parameters())
    idle = {
        name.split(".feed")[0]: not p.grad.any()
        for name, p in model.named_parameters()
        if name.endswith("feed_forward.in_proj.weight")
    }
    assert set(idle.values()) == {True, False}
    for name, p in model.named_parameters():
        if idle.get(".".join(name.split(".")[:3])):
            assert not p.grad.any(), name


def test_without_any_layer_the_encoder_still_gets_its_zeros():
    model = tiny_model("pre-norm").train()
    model(BATCH, 0.1, PassSettings(layer_dropout=0.999999)).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    assert model.shared_embed.weight.grad.any()
