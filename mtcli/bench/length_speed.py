"""Measure encoding, a training step and a decoding step at one length, with random weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from mtcli.bench.jobs import Job
from mtcli.config.schema.root import TrainConfig
from mtcli.device.precision import Numerics
from mtcli.model.seq2seq import Seq2Seq, TensorBatch
from mtcli.system.memory_use import peak_memory_bytes, status_bytes
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID
from mtcli.training.alone import parts_alone
from mtcli.training.loop import pass_settings
from mtcli.training.step import train_step

_FIRST_ID = EOS_ID + 1
_LR_MULTIPLIER = 1e-3
"""Small, so that a few updates never diverge; the speed does not depend on it."""
_NUM_DECODED = 16
"""Decoding steps that are timed together."""


def measure_length(job: Job, config: TrainConfig, numerics: Numerics) -> dict[str, Any]:
    """Seconds and memory per sentence of `job.length` source pieces, the least of `job.steps`.

    CPU seconds on a CPU, which other work on the machine does not change, else seconds. Memory is
    what a batch adds to the model's, over its sentences; `process_peak_bytes` is the process's.

    Args:
        job: lengths, sentences and how often to measure.
        config: model and optimizer.
        numerics: device and precision.
    """
    device = numerics.device
    torch.manual_seed(config.seed)
    vocab_size = config.tokenizer.num_pieces
    model = Seq2Seq(config.model, vocab_size, vocab_size).to(device)
    batch = _random_batch(job, vocab_size, device)
    parts = parts_alone(model, config, numerics)
    parts.optimizers.set_lr(_LR_MULTIPLIER)

    def encode() -> None:
        with torch.inference_mode(), numerics.autocast():
            model.encode(batch.src_ids_BS, batch.src_keep_BS)

    def update() -> None:
        train_step(parts, [batch], len(batch.loss_ids_N), pass_settings(config, 0.0))

    base = _memory(device)
    model.eval()
    encode_s, encode_peak = _least(encode, job.steps, device)
    with torch.inference_mode(), numerics.autocast():
        memory_BSD = model.encode(batch.src_ids_BS, batch.src_keep_BS)
        decode_s = min(_decoding_s(model, memory_BSD, batch, device) for _ in range(job.steps))
    del memory_BSD
    model.train()
    train_s, train_peak = _least(update, job.steps, device)
    return {
        "length": job.length,
        "sentences": job.num_sentences,
        "encode_s": encode_s / job.num_sentences,
        "train_step_s": train_s / job.num_sentences,
        "decode_step_s": decode_s / job.num_sentences,
        "peak_bytes": (train_peak - base) / job.num_sentences,
        "encode_peak_bytes": (encode_peak - base) / job.num_sentences,
        "process_peak_bytes": train_peak,
    }


def _random_batch(job: Job, vocab_size: int, device: torch.device) -> TensorBatch:
    """Sources that end with EOS, and targets, all of the same lengths."""
    shape = (job.num_sentences, job.length)
    src_ids = torch.randint(_FIRST_ID, vocab_size, shape, device=device)
    src_ids[:, -1] = EOS_ID
    tgt_shape = (job.num_sentences, job.tgt_length)
    tgt_ids = torch.randint(_FIRST_ID, vocab_size, tgt_shape, device=device)
    tgt_ids[:, -1] = EOS_ID
    bos = torch.full_like(tgt_ids[:, :1], BOS_ID)
    positions = torch.arange(tgt_ids.numel(), device=device)
    tgt_in_ids = torch.cat([bos, tgt_ids[:, :-1]], dim=1)
    return TensorBatch(src_ids, None, tgt_in_ids, positions, tgt_ids.flatten())


def _least(run: Callable[[], None], repeats: int, device: torch.device) -> tuple[float, int]:
    """The shortest time of several runs, and the most memory in use while they ran."""
    _forget_peak(device)
    times = []
    for _ in range(repeats):
        started = _now(device)
        run()
        times.append(_now(device) - started)
    return min(times), _peak(device)


def _decoding_s(
    model: Seq2Seq, memory_BSD: torch.Tensor, batch: TensorBatch, device: torch.device
) -> float:
    """Time of one step of greedy decoding, after the keys of the source are made."""
    num_steps = min(_NUM_DECODED, batch.tgt_in_ids_BT.size(1))
    state = model.start(memory_BSD, batch.src_keep_BS, beam_size=1, max_length=num_steps)
    started = _now(device)
    for ids in batch.tgt_in_ids_BT[:, :num_steps].unbind(1):
        model.output_logits(model.step(ids, state))
    return (_now(device) - started) / num_steps


def _now(device: torch.device) -> float:
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def _forget_peak(device: torch.device) -> None:
    """Let `_peak` count from now on; where the system cannot, it counts from the start."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return peak_memory_bytes()


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    with suppress(OSError):
        return status_bytes("VmRSS")
    return _peak(device)
