"""A worker of test_world.py: world_program.py PROGRAM FOLDER."""

import json
import os
import signal
import sys
import time
import warnings
from contextlib import nullcontext
from pathlib import Path

from mtcli.distributed.worker import end_worker, silence_torch

silence_torch()  # as `mtcli train` does: on a busy machine torch warns of connections that closed

import torch  # noqa: E402
from torch import nn  # noqa: E402

from mtcli.distributed.ddp import wrap  # noqa: E402
from mtcli.distributed.world import World, join  # noqa: E402
from mtcli.errors import DataError, MtcliError  # noqa: E402

LENGTHS = [5, 1, 3, 2, 4]
"""Target tokens of five sentences: uneven, because even ones hide a wrong denominator."""


def loss_sum(module: nn.Module, sentences: list[int]) -> torch.Tensor:
    """Over the tokens of these sentences; zero tokens are a pass of zero weight."""
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in LENGTHS]
    chosen = torch.cat([inputs[i] for i in sentences] or [torch.zeros(1, 4, dtype=torch.float64)])
    return module(chosen).square().sum() * bool(sentences)


def gradients(micro_batches: list[list[int]], world: World) -> list[list[list[float]]]:
    """Of the mean loss per token over all processes, after each micro-batch."""
    torch.manual_seed(world.rank)  # other weights on each rank, until DDP sends rank 0's
    linear = nn.Linear(4, 3).double()
    linear.register_buffer("constant", torch.tensor([float(world.rank)]))
    module = wrap(linear, world, torch.device("cpu"))
    num_local = sum(LENGTHS[i] for micro_batch in micro_batches for i in micro_batch)
    (num_tokens,) = world.sum([num_local])
    after: list[list[list[float]]] = []
    for i, sentences in enumerate(micro_batches, 1):
        is_last = i == len(micro_batches)
        with nullcontext() if is_last else world.keep_gradients_local(module):
            (loss_sum(module, sentences) * (world.size / num_tokens)).backward()
        assert linear.weight.grad is not None
        after.append(linear.weight.grad.tolist())
    return after


def patience_s() -> float:
    """How long gloo waits for another process."""
    group = torch.distributed.group.WORLD
    return group._get_backend(torch.device("cpu")).options._timeout.total_seconds()


def talk(world: World) -> dict[str, object]:
    rank = world.rank
    big = 2**53 + 1  # no float64
    plan = [[[0, 1], [2]], [[3, 4], []]]
    return {
        "rank": rank,
        "is_main": world.is_main,
        "sum": world.sum([big + rank, -rank]),
        "sum_of_nothing": world.sum([]),
        "sum_floats": world.sum_floats([1e16 if rank == 0 else 1.0, 0.1, -0.5]),
        "gathered": world.gather_objects({"rank": rank, "text": "ä\u2028"}),
        "broadcast": world.broadcast_object({"from": rank, "score": 0.1 + 0.2}),
        "gradients": gradients(plan[rank], world),
        "patience_s": patience_s(),
    }


def main() -> None:
    program, folder = sys.argv[1], Path(sys.argv[2])
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    with join("cpu", peer_timeout_s=60.0) as world:
        if program == "talk":
            result = talk(world)
            (folder / f"{world.rank}.json").write_text(json.dumps(result))
            if not world.is_main:
                time.sleep(0.5)
                (folder / "late").touch()
            return
        world.sum([1])
        if program == "fail" and world.rank == 1:
            raise DataError("corpus.en is empty")
        if program == "die" and world.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        while True:
            world.sum([1])


def check_that_all_left_together(folder: Path) -> None:
    assert not torch.distributed.is_initialized()
    assert (folder / "late").exists(), "a rank left before the others were done"


if __name__ == "__main__":
    try:
        main()
        check_that_all_left_together(Path(sys.argv[2]))
        end_worker(0)
    except MtcliError as error:  # as the command line does
        sys.stderr.write(f"mtcli: error: {error}\n")
        if isinstance(error, DataError):
            time.sleep(60)  # as if the process group could not be closed
        sys.exit(error.exit_code)
