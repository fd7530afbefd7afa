"""One optimizer update, on one process or many."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtcli.device.precision import Numerics
from mtcli.distributed.fsdp import gather
from mtcli.distributed.world import World
from mtcli.model.seq2seq import PassSettings, TensorBatch
from mtcli.training.optim import Optimizers
from mtcli.training.start_pull import StartPull

LESS_MEMORY = "lower `batch.max_tokens`; the updates stay the same"
"""What to do if an update does not fit into memory."""


@dataclass(frozen=True)
class StepStats:
    """What one update reports. Its tensors are on the device: reading them waits for it."""

    loss_sum: Tensor
    """Smoothed loss summed over the target tokens of this process, in nats."""
    grad_norm: Tensor
    """Norm of the gradient of the mean loss over all parameters, before clipping."""


@dataclass(frozen=True)
class StepParts:
    """What an update works on; the same objects from the first update to the last."""

    model: nn.Module
    """(TensorBatch, label smoothing, PassSettings) -> loss summed over target tokens; wrapped for
    DDP, or sharded for FSDP."""
    optimizers: Optimizers
    scaler: torch.amp.GradScaler
    numerics: Numerics
    world: World
    label_smoothing: float
    clip_norm: float
    """0 does not clip."""
    pull: StartPull | None = None
    """To the weights of the start, if the config asks for it."""


def train_step(
    parts: StepParts,
    micro_batches: Sequence[TensorBatch],
    num_tgt_tokens: int,
    settings: PassSettings = PassSettings(),
) -> StepStats:
    """Update the model once, with the mean gradient over the target tokens of all processes.

    The result does not depend on how the sentences are split into micro-batches or processes.

    Args:
        parts: model, optimizers and how to run them.
        micro_batches: this process's share of the update; at least one, maybe without loss.
        num_tgt_tokens: target tokens of the whole update, over all processes.
        settings: what the passes do beyond dropout.
    """
    loss_sum = torch.zeros((), device=parts.numerics.device)
    for i, batch in enumerate(micro_batches):
        is_last = i + 1 == len(micro_batches)
        # DDP decides during forward whether backward will all-reduce: both go inside.
        with nullcontext() if is_last else parts.world.keep_gradients_local(parts.model):
            with parts.numerics.autocast():
                loss = parts.model(batch, parts.label_smoothing, settings)
            # DDP and FSDP average gradients over processes; world.size makes the average a sum.
            parts.scaler.scale(loss * (parts.world.size / num_tgt_tokens)).backward()
        loss_sum += loss.detach()

    # Before clipping: clip_norm is about true gradients. What is infinite in one process's shard is
    # found by all (torch reduces it; tests/distributed/test_fsdp.py).
    parts.scaler.unscale_(parts.optimizers.as_one)
    if parts.pull is not None:
        parts.pull.add_gradients()
    limit = parts.clip_norm if parts.clip_norm > 0 else torch.inf
    grad_norm = gather(nn.utils.clip_grad_norm_(parts.model.parameters(), limit))
    parts.scaler.step(parts.optimizers.as_one)
    parts.scaler.update()
    parts.optimizers.zero_grad()
    return StepStats(loss_sum, grad_norm)
