"""Choose between threads and processes by measuring a few updates, and remember the choice."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import statistics
from dataclasses import asdict
from pathlib import Path

from mtcli.bench.bench import BenchOptions, VariantJobs
from mtcli.bench.variants import Variant
from mtcli.config.schema.root import TrainConfig
from mtcli.errors import RunFolderError
from mtcli.folders import why_refused
from mtcli.runs.folder import RunFolder
from mtcli.runs.nproc_choice import NprocChoice, read_choice, write_choice
from mtcli.runs.split import Split
from mtcli.system.cores import num_cores
from mtcli.system.temporary import temporary_folder
from mtcli.training.settling import settle

logger = logging.getLogger(__name__)

_OPTIONS = BenchOptions(steps=8, warmup_steps=2)
_REPEATS = 2
_WORTH_IT = 1.05
"""More processes take more memory, so they must be this much faster than fewer."""


def choose_nproc(config: TrainConfig, kept: Split | None = None) -> int:
    """The number of processes that train fastest here, measured once per run folder.

    On CUDA it is one per GPU. On a CPU, one process that uses all cores is compared with one
    process per core (and, from 8 cores, a quarter of that), in fresh processes each time.

    Args:
        config: the run's.
        kept: what the run started with, if it is resumed: that stays.

    Raises:
        MtcliError: config, data or device are wrong.
        RunFolderError: the run folder cannot be written.
    """
    config = settle(config).config
    run = RunFolder(config.run_dir)
    fingerprint = _fingerprint(config)
    remembered = read_choice(run)
    if kept is not None and (remembered is None or kept.processes != remembered.nproc):
        logger.info("--nproc auto: %d, which this run started with", kept.processes)
        return kept.processes
    if remembered is not None and (kept is not None or remembered.fingerprint == fingerprint):
        logger.info("--nproc auto: %d, as measured before (%s)", remembered.nproc, run.nproc)
        return remembered.nproc
    if num_cores() == 1 and config.training.device == "cpu":
        return 1
    nproc, why = _measure(config)
    logger.info("--nproc auto: %s", why)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        write_choice(run, NprocChoice(nproc, why, fingerprint))
    except OSError as error:
        raise RunFolderError(
            f"cannot write into the run folder {run.path}: {why_refused(run.path, error)}"
        ) from error
    return nproc


def candidates(cores: int) -> list[int]:
    """Numbers of processes that are measured, fewest first."""
    return sorted({1, cores} | ({cores // 4} if cores >= 8 else set()))


def choose(rates: dict[int, float]) -> int:
    """The number of processes of the highest rate, or a smaller one that is nearly as fast.

    Args:
        rates: target tokens per second by number of processes.
    """
    best = max(rates.values())
    return min(nproc for nproc, rate in rates.items() if rate * _WORTH_IT >= best)


def _measure(config: TrainConfig) -> tuple[int, str]:
    """The best number of processes, and the measurements in words."""
    with temporary_folder(prefix="mtcli-nproc-") as temporary:
        folder = Path(temporary)
        first = VariantJobs(Variant("1", config), folder / "1", _OPTIONS)
        facts = first.run("prepare")
        if facts["device"] != "cpu":
            nproc = max(1, facts["num_devices"])
            return nproc, f"{nproc}, one process per {facts['device']} device"
        tried = [
            VariantJobs(Variant(str(n), config, nproc=n), folder / f"of-{n}", _OPTIONS)
            for n in candidates(num_cores())
        ]
        for jobs in tried:
            jobs.share_tokenizer(first)
        rates: dict[int, list[float]] = {jobs.variant.nproc: [] for jobs in tried}
        threads: dict[int, int] = {}
        logger.info("--nproc auto: measuring --nproc %s", " and ".join(map(str, rates)))
        for repeat in range(_REPEATS):
            for jobs in tried[:: 1 if repeat % 2 == 0 else -1]:
                result = jobs.run("training")
                rates[jobs.variant.nproc].append(result["tgt_tokens_per_s"])
                threads[jobs.variant.nproc] = result["num_threads"]
    medians = {nproc: statistics.median(repeats) for nproc, repeats in rates.items()}
    described = "; ".join(
        f"{nproc} x {threads[nproc]}: {rate:.0f} target tokens/s" for nproc, rate in medians.items()
    )
    nproc = choose(medians)
    return nproc, f"{nproc} is fastest (processes x threads: {described})"


def _fingerprint(config: TrainConfig) -> str:
    """A hash of what the choice depends on: model, batch, precision, sharding, the cores."""
    training = config.training
    content = [
        asdict(config.model),
        asdict(config.batch),
        config.tokenizer.vocab_size,
        [training.device, training.precision, training.parallel, config.optim.kind],
        [num_cores(), os.environ.get("OMP_NUM_THREADS"), os.environ.get("CUDA_VISIBLE_DEVICES")],
    ]
    return hashlib.sha256(json.dumps(content).encode("utf-8")).hexdigest()
