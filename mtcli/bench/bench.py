"""Compare ways to train: measure each in fresh processes, taking turns. No torch."""

from __future__ import annotations

import logging
import shutil
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtcli.bench.jobs import Job, Kind, run_job
from mtcli.bench.memory_hints import memory_hints
from mtcli.bench.variants import Variant
from mtcli.config.dump import dump_config
from mtcli.runs.resolve import resolve_model
from mtcli.system.temporary import temporary_folder

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1


@dataclass(frozen=True)
class BenchOptions:
    """What to measure, and for how long."""

    steps: int = 20
    """Updates that are timed in each repeat."""
    warmup_steps: int = 4
    """Updates before these that are not timed."""
    repeats: int = 5
    """Times that every variant is measured, in turns."""
    profile_steps: int = 4
    """Updates of the profile that shows where the time goes; 0 skips it."""
    decodes: bool = True
    """Whether decoding is measured."""
    model: str | None = None
    """Run or model folder that decodes; None takes random weights."""
    batch_sizes: tuple[int, ...] = (16, 64, 128)
    """Batch sizes that decoding is tried with."""
    num_sentences: int = 128
    """Sentences that are decoded, of the validation set."""


# ----------------------------------------------------------------------------------------- bench


def bench(variants: Sequence[Variant], options: BenchOptions) -> dict[str, Any]:
    """Measure all variants in turns; returns a report of plain values, ready for JSON.

    Ratios are to the first variant, taken within each repeat.

    Raises:
        MtcliError: config, data, device or model of a variant are wrong.
    """
    if options.model is not None:  # fail before measuring if there is no such model
        resolve_model(Path(options.model))
    with temporary_folder(prefix="mtcli-bench-") as temporary:
        folder = Path(temporary)
        jobs = [
            VariantJobs(variant, folder / str(n), options) for n, variant in enumerate(variants)
        ]
        facts = []
        for job in jobs:
            logger.info("%s: preparing the data, measuring the matmul limit", job.variant.label)
            facts.append(job.run("prepare"))
        limits = _limits_of(jobs, facts)
        trainings, decodings = _measure_in_turns(jobs, options)
        profiles = [job.run("profile") if options.profile_steps else None for job in jobs]
    reports = [
        summarize(job.variant, training, decoding, profile, limit)
        for job, training, decoding, profile, limit in zip(
            jobs, trainings, decodings, profiles, limits, strict=True
        )
    ]
    for report, training in zip(reports, trainings, strict=True):
        report["ratio"] = spread_of(
            repeat["tgt_tokens_per_s"] / base["tgt_tokens_per_s"]
            for repeat, base in zip(training, trainings[0], strict=True)
        )
    is_on_cpu = any(fact["device"] == "cpu" for fact in facts)
    hints = memory_hints() if is_on_cpu else []
    return {"format_version": FORMAT_VERSION, "variants": reports, "hints": hints}


def _measure_in_turns(
    jobs: Sequence[VariantJobs], options: BenchOptions
) -> tuple[list[list[dict[str, Any]]], list[list[dict[str, Any]]]]:
    """Measure training and decoding of each variant; one result for each repeat."""
    trainings: list[list[dict[str, Any]]] = [[] for _ in jobs]
    decodings: list[list[dict[str, Any]]] = [[] for _ in jobs]
    for repeat in range(options.repeats):
        # Back and forth, so that a drift of the machine affects all variants alike.
        for n in list(range(len(jobs)))[:: 1 if repeat % 2 == 0 else -1]:
            trainings[n].append(jobs[n].run("training"))
            logger.info(
                "repeat %d of %d, %s: %.0f target tokens/s",
                repeat + 1,
                options.repeats,
                jobs[n].variant.label,
                trainings[n][-1]["tgt_tokens_per_s"],
            )
            if options.decodes:
                decodings[n].append(jobs[n].run("decoding"))
    return trainings, decodings


class VariantJobs:
    """All measurements of one variant.

    Args:
        variant: what is measured.
        folder: its folder, which must not exist.
        options: how long.
    """

    def __init__(self, variant: Variant, folder: Path, options: BenchOptions) -> None:
        self.variant, self._folder, self._options = variant, folder, options
        folder.mkdir()
        run_dir = folder / "run"
        trained = variant.config.run_dir / "tokenizer"
        if trained.is_dir():  # from an earlier run, so its store is in the cache
            shutil.copytree(trained, run_dir / "tokenizer")
        text = dump_config(replace(variant.config, run_dir=run_dir))
        (folder / "config.yaml").write_text(text, encoding="utf-8")

    def share_tokenizer(self, other: VariantJobs) -> None:
        """Take the tokenizer that another variant of the same data has trained, if any."""
        trained = other._folder / "run" / "tokenizer"
        if trained.is_dir():
            shutil.copytree(trained, self._folder / "run" / "tokenizer", dirs_exist_ok=True)

    def run(self, kind: Kind) -> dict[str, Any]:
        """Measure `kind` once.

        Raises:
            MtcliError: config, data, device or model are wrong.
        """
        options, beam_size = self._options, self.variant.config.decoding.beam_size
        is_alone = kind in ("prepare", "decoding")
        # what one process does is done with the threads of all
        threads = self.variant.threads
        if is_alone and threads is not None:
            threads *= self.variant.nproc
        job = Job(
            kind=kind,
            config=str(self._folder / "config.yaml"),
            result=str(self._folder / "result.json"),
            steps=options.profile_steps if kind == "profile" else options.steps,
            warmup_steps=options.warmup_steps,
            nproc=1 if is_alone else self.variant.nproc,
            model=options.model,
            beam_sizes=tuple(sorted({1, beam_size})),
            # larger ones than there are sentences would measure the same again
            batch_sizes=tuple(sorted({min(n, options.num_sentences) for n in options.batch_sizes})),
            num_sentences=options.num_sentences,
        )
        return run_job(job, threads=threads)


def _limits_of(
    jobs: Sequence[VariantJobs], facts: Sequence[dict[str, Any]]
) -> list[dict[str, float]]:
    """The matmul limit of each variant, by precision: the best that was found for its shape.

    The best, since whatever else runs on the machine only ever takes away.
    """

    def key(job: VariantJobs) -> tuple[object, ...]:
        config = job.variant.config
        threads = job.variant.threads and job.variant.threads * job.variant.nproc
        sizes = (config.model, config.tokenizer.vocab_size, config.batch, config.training.device)
        return (*sizes, threads)

    limits = []
    for job, fact in zip(jobs, facts, strict=True):
        alike = [f["limit"] for j, f in zip(jobs, facts, strict=True) if key(j) == key(job)]
        num_devices = job.variant.nproc if fact["device"] == "cuda" else 1
        best = {name: max(limit[name] for limit in alike) for name in fact["limit"]}
        limits.append({name: rate * num_devices for name, rate in best.items()})
    return limits


# --------------------------------------------------------------------------------------- summary


def summarize(
    variant: Variant,
    trainings: Sequence[dict[str, Any]],
    decodings: Sequence[dict[str, Any]],
    profile: dict[str, Any] | None,
    limit: dict[str, float],
) -> dict[str, Any]:
    """The report of one variant: medians over its repeats, with the smallest and largest."""
    first = trainings[0]
    figures = {
        name: spread_of(one[name] for one in trainings)
        for name in (
            "tgt_tokens_per_s",
            "tokens_per_s",
            "seconds_per_step",
            "flops_per_s",
            "data_wait_share",
            "cpu_s_per_s",
        )
    }
    own_limit = limit.get(first["precision"])
    pss = [one["peak_pss_bytes"] for one in trainings if one["peak_pss_bytes"] is not None]
    return {
        "label": variant.label,
        **{name: first[name] for name in ("device", "device_name", "precision")},
        **{name: first[name] for name in ("num_processes", "num_threads", "num_parameters")},
        "steps": first["steps"],
        "tgt_tokens_per_step": first["tgt_tokens"] / first["steps"],
        "cells_per_step": first["cells"] / first["steps"],
        "flops_per_tgt_token": first["flops_per_tgt_token"],
        "matmul_limit_flops_per_s": limit,
        "share_of_matmul_limit": own_limit and figures["flops_per_s"]["median"] / own_limit,
        "peak_pss_bytes": spread_of(pss) if pss else None,
        "peak_cuda_bytes": first["peak_cuda_bytes"],
        "training": figures,
        "shares_of_time": profile and profile["shares"],
        "decoding": _summarize_decoding(decodings),
    }


def _summarize_decoding(decodings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best batch size of each beam, by the median of sentences per second."""
    summaries = []
    if not decodings:
        return []
    for beam_size in sorted({rate["beam_size"] for rate in decodings[0]["rates"]}):
        by_batch: dict[int, list[dict[str, Any]]] = {}
        for decoding in decodings:
            for rate in decoding["rates"]:
                if rate["beam_size"] == beam_size:
                    by_batch.setdefault(rate["batch_size"], []).append(rate)
        medians = {
            size: statistics.median(rate["sentences_per_s"] for rate in rates)
            for size, rates in by_batch.items()
        }
        best = max(medians, key=lambda size: medians[size])
        summaries.append(
            {
                "beam_size": beam_size,
                "model": decodings[0]["model"],
                "best_batch_size": best,
                "sentences_per_s": spread_of(r["sentences_per_s"] for r in by_batch[best]),
                "tgt_tokens_per_s": spread_of(r["tgt_tokens_per_s"] for r in by_batch[best]),
                "tgt_tokens_per_sentence": by_batch[best][0]["tgt_tokens_per_sentence"],
                "sentences_per_s_by_batch_size": medians,
            }
        )
    return summaries


def spread_of(values: Iterable[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    numbers = list(values)
    return {"median": statistics.median(numbers), "min": min(numbers), "max": max(numbers)}
