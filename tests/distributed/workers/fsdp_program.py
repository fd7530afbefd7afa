"""A worker of test_fsdp.py: `-m tests.distributed.workers.fsdp_program FOLDER`."""

import json
import sys
import warnings
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor

from mtcli.config.schema.optimization import AdamConfig, AdamWConfig, MuonConfig, Optim, SgdConfig
from mtcli.device.precision import Numerics
from mtcli.distributed.fsdp import gather, gather_on_main
from mtcli.distributed.worker import end_worker
from mtcli.distributed.world import World, join
from mtcli.model.seq2seq import PassSettings, TensorBatch
from mtcli.training.averaging import ExponentialAverage, copy_weights, named_weights
from mtcli.training.frozen import freeze
from mtcli.training.optim import build_optimizers
from mtcli.training.start_pull import StartPull
from mtcli.training.step import StepParts, train_step
from mtcli.training.trained_model import sharded_twin
from tests.invariants.test_step import LENGTHS, empty_like, rows_of
from tests.support.models import random_batch, tiny_model

CPU = torch.device("cpu")
CASES: dict[str, tuple[str, Optim]] = {
    "adamw": ("pre-norm", AdamWConfig(lr=0.1, eps=0.1, weight_decay=0.1)),
    "adam": ("decoder tied", AdamConfig(kind="adam", lr=0.1, eps=0.1)),
    "sgd": ("untied unscaled", SgdConfig(kind="sgd", lr=0.1, momentum=0.9)),
    "muon": ("rms silu gated", MuonConfig(kind="muon", lr=0.1, eps=0.1)),
    "tuned": ("pre-norm", AdamWConfig(lr=0.1, eps=0.1, weight_decay=0.1)),
}
"""By kind of optimizer: an architecture, and settings that do not blow up rounding errors."""
PLANS = {1: [[[0, 1, 2, 3, 4]]], 2: [[[0, 1], [2]], [[3, 4], []]]}
"""By number of processes: micro-batches of each rank, as rows of one batch."""


def make_parts(kind: str, world: World, scaler: torch.amp.GradScaler | None = None) -> StepParts:
    variant, config = CASES[kind]
    model = tiny_model(variant).train()
    if kind == "tuned":
        freeze(model, ["encoder"])
    trained = sharded_twin(model, world, CPU) if world.size > 1 else model
    return StepParts(
        model=trained,
        optimizers=build_optimizers(trained, config),
        scaler=scaler or torch.amp.GradScaler("cpu", enabled=False),
        numerics=Numerics(CPU, "fp32"),
        world=world,
        label_smoothing=0.1,
        clip_norm=0.3,
        pull=StartPull(trained, 0.2) if kind == "tuned" else None,
    )


def own_share(world: World, seed: int) -> tuple[list[TensorBatch], int]:
    """This rank's micro-batches of an update, and the target tokens of the whole."""
    batch = random_batch(LENGTHS, seed)
    plan = PLANS[world.size][world.rank]
    shares = [rows_of(batch, rows) if rows else empty_like(batch) for rows in plan]
    return shares, batch.loss_ids_N.numel()


def updates(kind: str, world: World, settings: PassSettings = PassSettings()) -> dict[str, Tensor]:
    """Everything there is after two updates, whole, under names that say what it is."""
    parts = make_parts(kind, world)
    average = ExponentialAverage(parts.model, 0.9)
    found: dict[str, Tensor] = {}
    for step in range(2):
        torch.manual_seed(world.rank)
        stats = train_step(parts, *own_share(world, step), settings)
        average.update(parts.model)
        found[f"grad_norm/{step}"] = stats.grad_norm.clone()
        (loss_sum,) = world.sum_floats([stats.loss_sum.item()])
        found[f"loss_sum/{step}"] = torch.tensor(loss_sum)
    kinds = {
        "weight": named_weights(parts.model),
        "average": average.weights,
        "state": parts.optimizers.state_dict(),
    }
    for name, tensors in kinds.items():
        found |= {f"{name}/{key}": gather(tensor).clone() for key, tensor in tensors.items()}
    return found


def held(world: World) -> dict[str, object]:
    """What of the model one process holds, and what it has before the last micro-batch."""
    parts = make_parts("adamw", world)
    model = parts.model
    shares, _ = own_share(world, 0)
    with world.keep_gradients_local(model):
        model(shares[0], 0.1).backward()
    has_local_gradients_only = all(p.grad is None for p in model.parameters())
    model(shares[1], 0.1).backward()
    return {
        "num_weights": sum(p.to_local().numel() for p in model.parameters()),
        "num_weights_of_all": sum(p.numel() for p in model.parameters()),
        "has_local_gradients_only": has_local_gradients_only,
        "has_gradients": all(p.grad is not None for p in model.parameters()),
        "on_main": len(gather_on_main(named_weights(model), world)),
    }


def restored(world: World) -> bool:
    """Whether whole state that is given to sharded optimizers is what comes out of them again."""
    first, second = make_parts("muon", world), make_parts("muon", world)
    train_step(first, *own_share(world, 0))
    whole = {k: gather(t).clone() for k, t in first.optimizers.state_dict().items()}
    second.optimizers.load_state_dict(whole)
    again = {k: gather(t) for k, t in second.optimizers.state_dict().items()}
    return whole.keys() == again.keys() and all(torch.equal(again[k], whole[k]) for k in whole)


def started_from(world: World) -> bool:
    """Whether whole weights that sharded ones are to start from are what these are then."""
    start = named_weights(tiny_model("pre-norm", seed=3))
    own = named_weights(make_parts("adamw", world).model)
    copy_weights(start, into=own)
    return all(torch.equal(gather(own[name]), start[name]) for name in start)


class SpoilingScaler(torch.amp.GradScaler):
    """Meets an infinity in rank 1's shard of a gradient, as if the loss scale had made it."""

    spoilt: torch.nn.Parameter | None = None

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        if self.spoilt is not None and dist.get_rank() == 1:
            self.spoilt.grad.to_local()[0] = torch.inf
        super().unscale_(optimizer)


def scaled(world: World) -> list[object]:
    """Loss scale, how many weights stay, and of how many; then with an infinity in one shard."""
    found: list[object] = []
    scaler = SpoilingScaler("cpu", init_scale=4.0)
    parts = make_parts("muon", world, scaler)
    train_step(parts, *own_share(world, 0))
    for is_infinite in (False, True):
        before = {k: gather(w).clone() for k, w in named_weights(parts.model).items()}
        scaler.spoilt = next(iter(parts.model.parameters())) if is_infinite else None
        train_step(parts, *own_share(world, 1))
        after = {k: gather(w) for k, w in named_weights(parts.model).items()}
        num_unmoved = sum(after[k].equal(before[k]) for k in after)
        found.append([scaler.get_scale(), num_unmoved, len(after)])
    return found


def main(folder: Path) -> None:
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    with join("cpu", peer_timeout_s=60.0) as world:
        for kind in CASES:
            save_file(updates(kind, world), folder / f"{kind}.{world.rank}.safetensors")
        save_file(
            updates("adamw", world, PassSettings(rdrop_alpha=2.0)),
            folder / f"rdrop.{world.rank}.safetensors",
        )
        save_file(
            updates("adamw", world, PassSettings(rdrop_alpha=2.0, layer_dropout=0.5)),
            folder / f"skipped.{world.rank}.safetensors",
        )
        save_file(
            updates("adamw", world, PassSettings(recompute=True)),
            folder / f"recomputed.{world.rank}.safetensors",
        )
        result = {
            "held": held(world),
            "restored": restored(world),
            "started_from": started_from(world),
            "scaled": scaled(world),
        }
        (folder / f"{world.rank}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    end_worker(0)
