"""Measure updates, where their time goes, decoding, and the matmul limit."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from mtcli.bench.decoding_speed import measure_decoding
from mtcli.bench.jobs import Job
from mtcli.bench.length_speed import measure_length
from mtcli.bench.matmul_limit import measure_limit, products_of
from mtcli.bench.where_time_goes import DATA_RANGE, time_by_category
from mtcli.config.flops import training_flops
from mtcli.config.load import load_config
from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import Update
from mtcli.data.prefetch import Prefetch
from mtcli.device.choice import choose_device
from mtcli.device.precision import Numerics
from mtcli.distributed.world import join
from mtcli.model.seq2seq import num_parameters
from mtcli.runs.folder import RunFolder
from mtcli.tokenizer.protocol import PAD_ID
from mtcli.training.building import Compute, build
from mtcli.training.corpus import Corpus, prepare_corpus
from mtcli.training.loop import pass_settings, seed_update
from mtcli.training.loop_parts import LoopParts
from mtcli.training.step import train_step
from mtcli.training.stopping import StopRequest
from mtcli.training.tensors import to_tensors
from mtcli.training.updates import open_stream

_LR_MULTIPLIER = 1e-3
"""Small, so that a few updates never diverge; the speed does not depend on it."""
_PRODUCT_S = 0.05
"""Time that each product of the matmul limit is repeated for."""


def measure(job: Job) -> dict[str, Any] | None:
    """The result of a job, on its main process; None on the others.

    Raises:
        MtcliError: config, data, device or model are wrong.
    """
    config = load_config(Path(job.config))
    training = replace(config.training, max_epochs=None)
    config = replace(config, training=training)
    device_type = choose_device(config.training.device).type
    with join(device_type, config.training.peer_timeout_s) as world:
        compute = Compute.choose(config.training, world)
        numerics, device = compute.numerics, compute.numerics.device
        facts = {
            "device": str(device.type),
            "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "num_devices": torch.cuda.device_count() if device.type == "cuda" else 0,
            "precision": numerics.precision,
            "num_processes": world.size,
            "num_threads": torch.get_num_threads(),
        }
        if job.kind == "length":
            return facts | measure_length(job, config, numerics)
        run = RunFolder(config.run_dir)
        run.path.mkdir(parents=True, exist_ok=True)
        corpus = prepare_corpus(config, run, world)
        match job.kind:
            case "prepare":
                figures = {"limit": _limit(config, corpus, numerics)}
            case "training":
                figures = _training(job, _build(config, run, corpus, compute), corpus)
            case "profile":
                figures = _profile(job, _build(config, run, corpus, compute))
            case "decoding":
                figures = measure_decoding(config, job, corpus, numerics)
        return facts | figures if world.is_main else None


def _build(config: TrainConfig, run: RunFolder, corpus: Corpus, compute: Compute) -> LoopParts:
    parts = build(config, run, corpus, compute, StopRequest())
    parts.model.trained.train()
    parts.step_parts.optimizers.set_lr(_LR_MULTIPLIER)
    return parts


# -------------------------------------------------------------------------------------- training


def _training(job: Job, parts: LoopParts, corpus: Corpus) -> dict[str, Any]:
    """Tokens per second of `job.steps` updates, over all processes."""
    device = parts.numerics.device
    totals, timed = [0, 0, 0, 0], []
    with open_stream(parts.config, parts.corpus, parts.world, 0, 0) as stream:
        for number in range(job.warmup_steps):
            _update(parts, next(stream), number + 1)
        _finish(parts)
        waited_s, cpu_s, started = stream.waited_s, time.process_time(), time.perf_counter()
        for number, update in enumerate(islice(stream, job.steps)):
            counts = _update(parts, update, job.warmup_steps + number + 1)
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
            timed.append(update)
        _finish(parts)
        seconds = time.perf_counter() - started
        waited_s = stream.waited_s - waited_s
    (cpu_s,) = parts.world.sum_floats([time.process_time() - cpu_s])
    own_flops = sum(_flops_of(update, parts, corpus) for update in timed)
    (all_flops,) = parts.world.sum([own_flops])
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    return {
        "seconds": seconds,
        "steps": job.steps,
        "tgt_tokens": totals[0],
        "src_tokens": totals[1],
        "pairs": totals[2],
        "cells": totals[3],
        "tgt_tokens_per_s": totals[0] / seconds,
        "tokens_per_s": (totals[0] + totals[1]) / seconds,
        "seconds_per_step": seconds / job.steps,
        "flops": all_flops,
        "flops_per_tgt_token": all_flops / totals[0],
        "flops_per_s": all_flops / seconds,
        "data_wait_share": waited_s / seconds,
        "cpu_s_per_s": cpu_s / seconds,
        "num_parameters": num_parameters(parts.model.whole),
        "peak_cuda_bytes": peak,
    }


def _update(parts: LoopParts, update: Update, step: int) -> list[int]:
    """One update, as the training loop makes it.

    Returns:
        Target tokens, source tokens, pairs and padded cells, over all processes.
    """
    batches, step_parts = update.micro_batches, parts.step_parts
    counts = parts.world.sum(
        [
            sum(batch.num_tgt_tokens for batch in batches),
            sum(batch.num_src_tokens for batch in batches),
            sum(batch.num_pairs for batch in batches),
            sum(max(batch.src_ids.size, batch.tgt_in_ids.size) for batch in batches),
        ]
    )
    seed_update(parts.config.seed, step, parts.world.rank)
    with torch.profiler.record_function(DATA_RANGE):
        tensors = [to_tensors(batch, parts.numerics.device) for batch in batches]
    settings = pass_settings(parts.config, update.epochs)
    train_step(step_parts, tensors, counts[0], settings)
    if parts.model.average is not None:
        parts.model.average.update(parts.model.trained)
    return counts


def _flops_of(update: Update, parts: LoopParts, corpus: Corpus) -> int:
    """Operations of this process's share of an update, padding excluded."""
    pairs = [
        (int(src), int(tgt))
        for batch in update.micro_batches
        for src, tgt in zip(
            batch.src_lengths[: batch.num_pairs],
            (batch.tgt_out_ids != PAD_ID).sum(1)[: batch.num_pairs],
            strict=True,
        )
    ]
    num_passes = pass_settings(parts.config, update.epochs).num_passes
    return num_passes * training_flops(parts.config.model, corpus.tgt_tokenizer.vocab_size, pairs)


def _finish(parts: LoopParts) -> None:
    """Wait until the device is done, on all processes."""
    if parts.numerics.device.type == "cuda":
        torch.cuda.synchronize(parts.numerics.device)
    parts.world.barrier()


def _profile(job: Job, parts: LoopParts) -> dict[str, Any]:
    """Shares of the time of some updates, on the main process.

    On CUDA it is the device's time, else that of the thread that trains; what no operator accounts
    for is `waiting and python`.
    """
    is_cuda = parts.numerics.device.type == "cuda"
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] if is_cuda else []
    with open_stream(parts.config, parts.corpus, parts.world, 0, 0) as stream:
        for number in range(job.warmup_steps):
            _update(parts, next(stream), number + 1)
        _finish(parts)
        seconds, events = _profiled(parts, stream, job.steps, kinds)
    own = own_times(events, on_device=is_cuda)
    by_category = {name: us / 1e6 for name, us in time_by_category(own).items()}
    rest = max(0.0, seconds - sum(by_category.values()))
    total = sum(by_category.values()) + rest
    shares = {name: seconds_in / total for name, seconds_in in by_category.items()}
    return {"shares": shares | {"waiting and python": rest / total}}


def own_times(events: Iterable[Any], *, on_device: bool) -> list[tuple[Any, float]]:
    """The operators of a profile, and the microseconds that each took itself.

    Args:
        events: `torch.autograd.profiler_util.FunctionEvent`s.
        on_device: whether the time of an operator is that of the kernels that it launched. torch
            lists each kernel a second time, as an event of the device, which has no operator.
    """
    operators = [event for event in events if event.device_type.name == "CPU"]
    return [
        (operator, operator.self_device_time_total if on_device else operator.self_cpu_time_total)
        for operator in operators
    ]


def _profiled(
    parts: LoopParts,
    stream: Prefetch[Update],
    steps: int,
    kinds: Sequence[torch.profiler.ProfilerActivity],
) -> tuple[float, Any]:
    with torch.profiler.profile(activities=kinds) as profiler:
        started = time.perf_counter()
        for number in range(steps):
            _update(parts, next(stream), number + 1)
        _finish(parts)
        seconds = time.perf_counter() - started
    return seconds, profiler.events()


# ----------------------------------------------------------------------------------------- limit


def _limit(config: TrainConfig, corpus: Corpus, numerics: Numerics) -> dict[str, float]:
    """Operations per second of matrix products of the model's shapes, by precision."""
    num_tokens = min(config.batch.tokens_per_update, config.batch.max_cells)
    products = products_of(config.model, corpus.tgt_tokenizer.vocab_size, num_tokens)
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16}
    if numerics.precision == "fp16":
        dtypes["fp16"] = torch.float16
    return {
        name: measure_limit(products, dtype, numerics.device, shortest_s=_PRODUCT_S)
        for name, dtype in dtypes.items()
    }
