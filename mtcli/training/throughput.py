"""Measure how fast this machine trains, with a few updates of a small model."""

from __future__ import annotations

import math
import time

import torch

from mtcli.config.auto.sizes import REFERENCE, REFERENCE_VOCABULARY
from mtcli.config.schema.optimization import MuonConfig
from mtcli.config.schema.root import TrainingConfig
from mtcli.device.choice import choose_device
from mtcli.device.precision import choose_numerics
from mtcli.distributed.world import World
from mtcli.model.seq2seq import PassSettings, Seq2Seq
from mtcli.tokenizer.protocol import EOS_ID
from mtcli.training.optim import build_optimizers
from mtcli.training.plain_batches import batch_of
from mtcli.training.step import StepParts, train_step
from mtcli.training.tensors import to_tensors

_PIECES, _PAIRS_ON_CPU, _PAIRS_ON_GPU = 20, 100, 800
_REPEATS = 6


def reference_tokens_per_s(config: TrainingConfig) -> float:
    """Target tokens per second of `REFERENCE` in training, with this device, precision and threads.

    On a CPU, the CPU seconds of the fastest of a few updates are counted, over the number of
    threads: what else runs on the machine takes time, but hardly CPU seconds. The result is rounded
    to a power of the square root of two, so that two measurements agree. The random generator stays
    as it was.

    Raises:
        DeviceError: as `choose_device` and `choose_numerics`.
    """
    numerics = choose_numerics(choose_device(config.device), config.precision)
    is_cpu = numerics.device.type == "cpu"
    pairs = _PAIRS_ON_CPU if is_cpu else _PAIRS_ON_GPU
    # ids that differ: rows of an embedding that all are one would be summed one after the other
    pieces = [EOS_ID + 1 + n % (REFERENCE_VOCABULARY - EOS_ID - 1) for n in range(_PIECES * pairs)]
    sides = [pieces[n : n + _PIECES] for n in range(0, len(pieces), _PIECES)]
    batch = batch_of([(side, side) for side in sides])
    with torch.random.fork_rng():
        model = Seq2Seq(REFERENCE, REFERENCE_VOCABULARY, REFERENCE_VOCABULARY)
        model.to(numerics.device).train()
        parts = StepParts(
            model=model,
            optimizers=build_optimizers(model, MuonConfig(kind="muon")),
            scaler=numerics.make_scaler(),
            numerics=numerics,
            world=World(),
            label_smoothing=0.1,
            clip_norm=1.0,
        )
        fastest_s = math.inf
        for _ in range(_REPEATS):
            started = time.process_time() if is_cpu else time.perf_counter()
            tensors = [to_tensors(batch, numerics.device)]
            train_step(parts, tensors, batch.num_tgt_tokens, PassSettings()).loss_sum.item()
            ended = time.process_time() if is_cpu else time.perf_counter()
            fastest_s = min(fastest_s, ended - started)
    if is_cpu:
        fastest_s /= torch.get_num_threads()
    return 2 ** (round(2 * math.log2(batch.num_tgt_tokens / fastest_s)) / 2)
