"""Describe one measurement and run it in a process of its own. No torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mtcli.errors import MtcliError
from mtcli.system.memory_use import PeakMemory
from mtcli.system.processes import PARENT_PID

Kind = Literal["prepare", "training", "profile", "decoding", "length"]
"""`prepare` makes the tokenizer and the store, and measures the matmul limit; `length` needs no
data."""


@dataclass(frozen=True)
class Job:
    """What a worker measures; it travels as JSON."""

    kind: Kind
    config: str
    """A resolved config file with a temporary run folder."""
    result: str
    """File that the result is written to, as JSON."""
    steps: int = 0
    """Updates that are timed or profiled."""
    warmup_steps: int = 0
    """Updates before these that are not timed."""
    nproc: int = 1
    model: str | None = None
    """Model to decode with; None takes random weights."""
    beam_sizes: tuple[int, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    num_sentences: int = 0
    """Sentences that are decoded, or in the batch of a length."""
    length: int = 0
    """Source pieces of each sentence, for `length`."""
    tgt_length: int = 0
    """Target pieces of each sentence, for `length`."""


def run_job(job: Job, *, threads: int | None) -> dict[str, Any]:
    """Run a job in fresh processes. Returns its result, with `peak_pss_bytes` added.

    Raises:
        MtcliError: what the worker found wrong, in its words.
        RuntimeError: the worker failed; its traceback is on standard error.
    """
    result, job_file = Path(job.result), Path(f"{job.result}.job")
    result.unlink(missing_ok=True)
    job_file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    # keep torch's profiler from writing to standard error: 99 is above all of its levels
    environment = {"KINETO_LOG_LEVEL": "99", **os.environ, PARENT_PID: str(os.getpid())}
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
        environment.pop(name, None)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, "-m", "mtcli.bench.worker", str(job_file)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        with PeakMemory(process.pid) as memory:
            exit_code = process.wait()
    finally:
        process.kill()
        process.wait()
    figures = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    if "error" in figures:
        raise MtcliError(figures["error"], hint=figures["hint"])
    if exit_code != 0 or not figures:
        raise RuntimeError(f"the worker that measures {job.kind} ended with code {exit_code}")
    return figures | {"peak_pss_bytes": memory.peak_bytes}


def job_from_json(text: str) -> Job:
    """The job that `run_job` wrote."""
    fields = json.loads(text)
    for name in ("beam_sizes", "batch_sizes"):
        fields[name] = tuple(fields[name])
    return Job(**fields)
