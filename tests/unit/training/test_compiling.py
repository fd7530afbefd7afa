"""The compiled training forward against the plain one."""

import os
import signal
import time

import pytest
import torch

from mtcli.config.load import load_config
from mtcli.config.schema.optimization import AdamWConfig
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.model.seq2seq import PassSettings
from mtcli.runs.folder import RunFolder
from mtcli.training import building, loop
from mtcli.training.compiling import CompiledForward
from mtcli.training.optim import build_optimizers
from mtcli.training.setup import train
from mtcli.training.step import StepParts, train_step
from tests.support.models import random_batch, tiny_model
from tests.support.small_run import write_run

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",  # torch.compile's own imports warn
    # its tracer looks at .grad of tensors that have none (torch 2.13)
    "ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning",
)


@pytest.mark.slow
def test_the_compiled_forward_gives_the_same_loss_and_gradients():
    model = tiny_model("pre-norm").train()
    compiled = CompiledForward(model)
    for seed in range(3):  # three shapes: the second is the first that is compiled as dynamic
        batch = random_batch([(4 + seed, 5), (3, 2 + seed)], seed)
        found = []
        for forward in (compiled, model):
            loss = forward(batch, 0.1)
            loss.backward()
            found.append((loss.detach(), [p.grad.clone() for p in model.parameters()]))
            model.zero_grad()
        (one, one_grads), (other, other_grads) = found
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(one_grads, other_grads, rtol=1e-4, atol=1e-6)


def test_the_weights_are_those_of_the_model():
    model = tiny_model("pre-norm")
    compiled = CompiledForward(model)
    assert list(compiled.parameters()) == list(model.parameters())
    model.train()
    assert compiled.model.training


def updated_by(wrap, settings, *, seed=5):
    """Weights and loss after one update of a model with dropout, run through `wrap(model)`."""
    model = tiny_model("pre-norm", dropout=0.3).train()
    parts = StepParts(
        model=wrap(model),
        optimizers=build_optimizers(model, AdamWConfig(lr=0.1, eps=0.1)),
        scaler=torch.amp.GradScaler("cpu", enabled=False),
        numerics=Numerics(torch.device("cpu"), "fp32"),
        world=World(),
        label_smoothing=0.1,
        clip_norm=1.0,
    )
    batch = random_batch([(4, 5), (3, 2)])
    torch.manual_seed(seed)
    stats = train_step(parts, [batch], batch.loss_ids_N.numel(), settings)
    return [p.detach() for p in model.parameters()], stats.loss_sum


@pytest.mark.parametrize("settings", [PassSettings(), PassSettings(rdrop_alpha=2.0)])
def test_an_update_is_that_of_the_plain_forward(monkeypatch, settings):
    """Bit for bit, where compiling changes nothing: the code around the compiled parts is one."""
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    want, want_loss = updated_by(lambda model: model, settings)
    got, got_loss = updated_by(CompiledForward, settings)
    assert torch.equal(got_loss, want_loss)
    assert all(map(torch.equal, got, want))
    assert not torch.equal(updated_by(CompiledForward, settings, seed=6)[1], want_loss)


@pytest.mark.slow
def test_a_run_trains_compiled_with_dropout_and_two_passes(tmp_path):
    overrides = ["training.compile=true", "training.max_steps=4", "regularization.rdrop.value=2.0"]
    config = load_config(write_run(tmp_path, *overrides), working_dir=tmp_path)
    assert config.model.dropout > 0
    assert train(config).is_finished


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_signal_while_the_first_update_is_compiled_ends_the_run_at_once(
    tmp_path, monkeypatch, has_begun
):
    """Compiling takes minutes: after that there would be one update more, and nothing else."""
    path = write_run(tmp_path)
    if has_begun:
        train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    real, calls = loop._make_update, []

    def slow(*arguments):
        calls.append(1)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        return real(*arguments)

    monkeypatch.setattr(loop, "_make_update", slow)
    monkeypatch.setattr(building, "CompiledForward", lambda model: model)
    config = load_config(path, ["training.compile=true"], working_dir=tmp_path)
    begun_s = time.monotonic()
    outcome = train(config)
    assert (outcome.is_finished, outcome.reason) == (
        False,
        "signal SIGTERM before the first update",
    )
    assert time.monotonic() - begun_s < 50
    assert train(config).is_finished  # from the start or from the checkpoint
    assert RunFolder(tmp_path / "run").checkpoint_steps() == [6, 12]


def test_a_signal_after_the_first_update_is_saved_as_always(tmp_path, monkeypatch):
    real, calls = loop._make_update, []

    def second(*arguments):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments)

    monkeypatch.setattr(loop, "_make_update", second)
    monkeypatch.setattr(building, "CompiledForward", lambda model: model)
    outcome = train(
        load_config(write_run(tmp_path), ["training.compile=true"], working_dir=tmp_path)
    )
    assert outcome.reason == "signal SIGTERM; stopped at step 2, saved and resumable"
