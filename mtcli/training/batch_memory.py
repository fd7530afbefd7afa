"""Find the largest micro-batch that fits, for `batch.max_tokens: auto`.

`python -m mtcli.training.batch_memory JOB` is the process in which a CPU's memory is measured.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from mtcli.config.dump import dump_config
from mtcli.config.load import load_config
from mtcli.config.schema.root import TrainConfig
from mtcli.device.choice import choose_device
from mtcli.device.memory import memory_errors
from mtcli.device.precision import choose_numerics
from mtcli.errors import DeviceError
from mtcli.model.seq2seq import Seq2Seq
from mtcli.system.memory_use import available_bytes, peak_memory_bytes
from mtcli.system.processes import PARENT_PID, die_with_parent
from mtcli.system.stop_signals import ending_on_signals
from mtcli.system.temporary import temporary_folder
from mtcli.tokenizer.protocol import EOS_ID
from mtcli.training.alone import largest_settings, parts_alone
from mtcli.training.plain_batches import batch_of
from mtcli.training.step import train_step
from mtcli.training.tensors import to_tensors

_SHARE_ON_CPU, _SHARE_ON_GPU = 0.5, 0.85
"""Of the memory that is available; the rest is for what else runs, and for fragments on a GPU."""
_CELLS = 256
"""The result is a multiple of this many cells."""
_MOST_CELLS = 2**20
_FIRST_CELLS = 2048
_GIB = 2**30


def largest_micro_batch(config: TrainConfig, num_processes: int = 1) -> tuple[int, str]:
    """The most cells of a micro-batch that fit into memory, and why.

    Two updates with the longest pairs that `data.max_length` allows are made, of two sizes; what
    they need more for more cells says how many fit. On CUDA in this process; on a CPU in one of its
    own, because a process does not give back all of its memory. The random generator stays as it
    was.

    Args:
        config: model, optimizer, device and lengths.
        num_processes: how many share the memory of a CPU.

    Raises:
        DeviceError: not even one pair fits, or the device is missing.
    """
    device = choose_device(config.training.device)
    longest = _longest(config)
    sizes = (max(_FIRST_CELLS, longest), 2 * max(_FIRST_CELLS, longest))
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        limit, peaks = int(_SHARE_ON_GPU * free), [_peak_on_gpu(config, size) for size in sizes]
        where = "GPU"
    else:
        free = available_bytes() or 0
        if not free:
            raise DeviceError(
                "this system does not say how much memory is available",
                hint="set `batch.max_tokens` to a number",
            )
        limit = int(_SHARE_ON_CPU * free) // num_processes
        peaks = _peaks_on_cpu(config, sizes)
        where = "memory available"
    cells = fitting_cells(sizes, (peaks[0], peaks[1]), limit)
    if cells < longest:
        raise DeviceError(
            f"a pair of {longest} tokens does not fit into {limit / _GIB:.1f} GiB",
            hint="lower `data.max_length`, or train a smaller model",
        )
    per_thousand = 1000 * (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])
    return cells, (
        f"{per_thousand / 2**20:.0f} MiB for a thousand cells; {limit / _GIB:.1f} of"
        f" {free / _GIB:.1f} GiB of {where}"
    )


def fitting_cells(sizes: tuple[int, int], peaks: tuple[int, int], limit: int) -> int:
    """The most cells whose memory is within the limit, if it grows as from the one to the other.

    Args:
        sizes: cells of two micro-batches, the larger one last.
        peaks: bytes that each needed.
        limit: bytes that may be used.
    """
    growth = (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])
    if growth <= 0:  # what is measured is smaller than the noise
        return min(_MOST_CELLS, sizes[1]) // _CELLS * _CELLS
    cells = int(sizes[0] + (limit - peaks[0]) / growth)
    return max(0, min(_MOST_CELLS, cells)) // _CELLS * _CELLS


def _longest(config: TrainConfig) -> int:
    """Most tokens of a side that is trained on, EOS counted."""
    documents = config.data.documents
    return 1 + max(config.data.max_length, documents.max_pieces if documents else 0)


def _peak_on_gpu(config: TrainConfig, cells: int) -> int:
    """Bytes that updates with so many cells allocate at most."""
    device = choose_device(config.training.device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    _update(config, cells)
    peak = torch.cuda.max_memory_allocated(device) - before
    gc.collect()
    torch.cuda.empty_cache()
    return peak


def _peaks_on_cpu(config: TrainConfig, sizes: tuple[int, int]) -> list[int]:
    """Bytes that a process with updates of each size takes at most."""
    with temporary_folder(prefix="mtcli-batch-") as temporary:
        job, plain = Path(temporary) / "config.yaml", replace(config, preset=None)
        job.write_text(dump_config(plain), encoding="utf-8")
        return [_peak_of_process(job, cells) for cells in sizes]


def _peak_of_process(job: Path, cells: int) -> int:
    command = [sys.executable, "-m", "mtcli.training.batch_memory", str(job), str(cells)]
    environment = {**os.environ, PARENT_PID: str(os.getpid())}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False
    )
    with suppress(ValueError, KeyError):
        return int(json.loads(done.stdout)["peak_bytes"])
    raise DeviceError(
        f"measuring the memory of {cells} cells failed with exit code {done.returncode}",
        hint="set `batch.max_tokens` to a number",
    )


def _update(config: TrainConfig, cells: int) -> None:
    """Two updates of one micro-batch of the longest pairs."""
    numerics = choose_numerics(choose_device(config.training.device), config.training.precision)
    length = _longest(config) - 1
    vocab_size = config.tokenizer.num_pieces
    ids = [EOS_ID + 1 + n % (vocab_size - EOS_ID - 1) for n in range(length)]
    batch = batch_of([(ids, ids)] * max(1, cells // (length + 1)))
    settings = largest_settings(config)
    with torch.random.fork_rng(), memory_errors(numerics.device, "a model", "train a smaller one"):
        model = Seq2Seq(config.model, vocab_size, vocab_size).to(numerics.device).train()
        parts = parts_alone(model, config, numerics)
        for _ in range(2):  # the first one makes the optimizer's state
            train_step(parts, [to_tensors(batch, numerics.device)], batch.num_tgt_tokens, settings)


def main(config: str, cells: str) -> None:
    """Print the peak memory of this process, after updates of so many cells."""
    _update(load_config(Path(config)), int(cells))
    sys.stdout.write(json.dumps({"peak_bytes": peak_memory_bytes()}))


if __name__ == "__main__":
    with ending_on_signals(lambda number: 128 + number):
        die_with_parent()
        main(*sys.argv[1:])
