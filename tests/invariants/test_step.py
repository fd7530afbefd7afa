"""Invariant 4: the update is a property of the sentences, not of how they were split."""

import pytest
import torch

from mtcli.config.schema.optimization import AdamWConfig, MuonConfig
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.model.seq2seq import TensorBatch
from mtcli.training.optim import build_optimizers
from mtcli.training.step import StepParts, train_step
from tests.support.models import PAD, random_batch, tiny_model

LENGTHS = [(5, 9), (7, 1), (2, 6), (4, 3), (9, 2)]  # uneven: equal lengths hide a wrong denominator


def rows_of(batch, rows):
    """The micro-batch of these rows of a batch, still padded as wide as the whole."""
    tgt_out = torch.full_like(batch.tgt_in_ids_BT, PAD)
    tgt_out.view(-1)[batch.loss_positions_N] = batch.loss_ids_N
    flat = tgt_out[rows].flatten()
    positions = (flat != PAD).nonzero()[:, 0]
    return TensorBatch(
        batch.src_ids_BS[rows],
        batch.src_keep_BS[rows],
        batch.tgt_in_ids_BT[rows],
        positions,
        flat[positions],
    )


def empty_like(batch):
    """A micro-batch that carries no loss, as ranks get when there are too few sentences."""
    return batch._replace(
        loss_positions_N=batch.loss_positions_N[:0], loss_ids_N=batch.loss_ids_N[:0]
    )


def updated_weights(split, *, clip_norm=0.0, smoothing=0.1):
    model = tiny_model("pre-norm").train()
    batch = random_batch(LENGTHS)
    micro_batches = [rows_of(batch, rows) if rows else empty_like(batch) for rows in split]
    parts = StepParts(
        model=model,
        optimizers=build_optimizers(model, AdamWConfig(lr=0.1, eps=0.1)),
        scaler=torch.amp.GradScaler("cpu", enabled=False),
        numerics=Numerics(torch.device("cpu"), "fp32"),
        world=World(),
        label_smoothing=smoothing,
        clip_norm=clip_norm,
    )
    stats = train_step(parts, micro_batches, batch.loss_ids_N.numel())
    return torch.cat([p.detach().flatten() for p in model.parameters()]), stats


WHOLE = [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    "split", [[[0, 1], [2], [3, 4]], [[4], [0, 1, 2, 3]], [[0, 1, 2, 3, 4], []]]
)
@pytest.mark.parametrize("clip_norm", [0.0, 0.01])
def test_micro_batches_do_not_change_the_update(split, clip_norm):
    want, want_stats = updated_weights(WHOLE, clip_norm=clip_norm)
    got, got_stats = updated_weights(split, clip_norm=clip_norm)
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(got_stats.loss_sum, want_stats.loss_sum, rtol=1e-6, atol=0)
    torch.testing.assert_close(got_stats.grad_norm, want_stats.grad_norm, rtol=1e-10, atol=0)


def test_clipping_bounds_the_step_but_not_the_reported_norm():
    _, free = updated_weights(WHOLE)
    clipped_weights, clipped = updated_weights(WHOLE, clip_norm=float(free.grad_norm) / 2)
    assert torch.equal(free.grad_norm, clipped.grad_norm)
    assert not torch.equal(clipped_weights, updated_weights(WHOLE)[0])


def test_the_gradient_is_that_of_the_mean_loss_per_target_token():
    model = tiny_model("pre-norm").train()
    batch = random_batch(LENGTHS)
    (model(batch, 0.1) / batch.loss_ids_N.numel()).backward()
    norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
    torch.testing.assert_close(updated_weights(WHOLE)[1].grad_norm, norm, rtol=1e-12, atol=0)


@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
@pytest.mark.parametrize(
    "bad", ["shared_embed.weight", "encoder.layers.0.feed_forward.in_proj.weight"]
)
@pytest.mark.parametrize("value", [torch.inf, torch.nan])
@pytest.mark.parametrize("config", [AdamWConfig(), MuonConfig(kind="muon")], ids=lambda c: c.kind)
def test_an_update_that_overflows_moves_no_weight_of_any_group(config, value, bad, clip_norm):
    """Muon's two optimizers are one to the loss scale: else one steps by what clipping left."""
    model, batch = tiny_model("pre-norm").train().float(), random_batch(LENGTHS)
    parts = StepParts(
        model=model,
        optimizers=build_optimizers(model, config),
        scaler=torch.amp.GradScaler("cpu", init_scale=4.0),
        numerics=Numerics(torch.device("cpu"), "fp32"),
        world=World(),
        label_smoothing=0.1,
        clip_norm=clip_norm,
    )

    def spoil(weight):
        weight.grad.view(-1)[0] = value

    def moved():
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        train_step(parts, [batch], batch.loss_ids_N.numel())
        return [name for name, p in model.named_parameters() if not torch.equal(p, before[name])]

    names = [name for name, _ in model.named_parameters()]
    assert moved() == names
    hook = dict(model.named_parameters())[bad].register_post_accumulate_grad_hook(spoil)
    assert moved() == []
    assert parts.scaler.get_scale() == 2.0
    hook.remove()
    assert moved() == names
