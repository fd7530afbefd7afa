"""`mtcli train --check`: find every problem of a run before it starts."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from mtcli.config.schema.data import JsonLinesSource
from mtcli.config.schema.root import TrainConfig
from mtcli.data.dropped import Dropped
from mtcli.data.rules.chosen import BAD_LINE
from mtcli.data.sources import read_pairs
from mtcli.data.statistics import CorpusStatistics, corpus_statistics
from mtcli.device.choice import choose_device
from mtcli.device.precision import Numerics, choose_numerics
from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.system.durations import describe_duration
from mtcli.system.temporary import temporary_folder
from mtcli.training.check_data import describe_texts
from mtcli.training.check_step import measure_steps
from mtcli.training.corpus import Corpus, prepare_corpus
from mtcli.training.corpus_files import check_files_of, look_at_files
from mtcli.training.corpus_reports import describe_drops
from mtcli.training.finding import Finding, collected_warnings
from mtcli.training.metric_choice import check_metrics
from mtcli.training.observers.loggers.choice import check_loggers
from mtcli.training.run_length import check_length, check_warmup, find_step_limit, long_warmup
from mtcli.training.settling import settle
from mtcli.training.text_checks import report_on_texts
from mtcli.training.updates import make_plan
from mtcli.training.warm_start import starting_model

logger = logging.getLogger(__name__)


def check(config: TrainConfig, budget_s: float | None = None) -> Iterator[Finding]:
    """Yield findings that describe a run of `config`; nothing is trained or kept.

    Tokenizer and store are made in a temporary folder, of a large corpus from an even sample. An
    update on a micro-batch of the longest pairs shows how much memory the run needs, and a few
    updates show how long it takes. The run folder is not read. The last finding has the warnings
    that `train` would log.

    Raises:
        MtcliError: anything that would stop the run.
    """
    with collected_warnings() as warnings:
        yield from _findings(config, budget_s)
    lines = ["  " + sentence.replace("\n", "\n    ") for sentence in warnings]  # with their hints
    yield Finding("warnings", warnings, [f"warnings: {len(warnings) or 'none'}", *lines])


def _findings(config: TrainConfig, budget_s: float | None) -> Iterator[Finding]:
    check_files_of(config)
    look_at_files(config)
    settled = settle(config, budget_s)
    config, chosen = settled.config, settled.described()
    if chosen:
        yield Finding("auto", chosen, [f"auto: {line}" for line in chosen])
    langs = {"src_lang": config.src_lang, "tgt_lang": config.tgt_lang}
    line = f"config: {config.src_lang} to {config.tgt_lang}, run folder {config.run_dir}"
    yield Finding("config", {**langs, "run_dir": str(config.run_dir)}, [line])
    check_length(config, budget_s)
    check_warmup(config, config.training.max_steps, budget_s)
    check_metrics(config)
    check_loggers(config.logging)
    numerics = choose_numerics(choose_device(config.training.device), config.training.precision)
    yield _device(numerics)
    dropped = Dropped()
    counted = corpus_statistics(read_pairs(config.data.train, dropped))
    for warning in dropped.warnings():
        logger.warning("data.train: %s", warning)
    yield describe_texts(counted, dropped.num_blank, config.seed)
    with temporary_folder() as temporary:
        start = starting_model(config)
        sampled, scale = _sampled(config, counted, Path(temporary))
        corpus = prepare_corpus(sampled, RunFolder(Path(temporary)), World(), start)
        report_on_texts(config, corpus.valid, reads_training=True)
        yield _corpus(sampled, corpus, scale, _left_out(counted, dropped))
        seconds = math.inf
        for finding in measure_steps(sampled, corpus, numerics, start):
            yield finding
            if finding.name == "update" and not isinstance(finding.values, list):
                seconds = finding.values["seconds"]
        yield _length(config, corpus, scale, seconds, budget_s)


def _device(numerics: Numerics) -> Finding:
    threads = torch.get_num_threads()
    values = {"device": str(numerics.device), "precision": numerics.precision, "threads": threads}
    line = f"device: {numerics.device}, precision {numerics.precision}, {threads} threads"
    return Finding("device", values, [line])


def _sampled(
    config: TrainConfig, counted: CorpusStatistics, folder: Path
) -> tuple[TrainConfig, float]:
    """The same run on a sample of its pairs, and how many pairs one of the sample stands for."""
    data = replace(config.data, cache_dir=folder / "cache")
    num_texts = counted.num_pairs - counted.num_blank
    if num_texts == len(counted.sample):
        return replace(config, data=data), 1.0
    path = folder / "sample.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for _, src, tgt in counted.sample:
            file.write(json.dumps({"src": src, "tgt": tgt}) + "\n")
    sample = JsonLinesSource(kind="jsonl", path=path, src_field="src", tgt_field="tgt")
    return replace(config, data=replace(data, train=[sample])), num_texts / len(counted.sample)


def _left_out(counted: CorpusStatistics, dropped: Dropped) -> dict[str, int]:
    """What a sample does not have, by the reason of the store."""
    return {"empty": counted.num_blank, BAD_LINE: dropped.num_unusable}


def _corpus(config: TrainConfig, corpus: Corpus, scale: float, left_out: dict[str, int]) -> Finding:
    """What the tokenizers make of the pairs; of a sample, scaled to all."""
    store, meta = corpus.store, corpus.store.meta
    about = "" if scale == 1 else "about "
    num_pairs, num_updates, num_src, num_tgt = (
        round(scale * number)
        for number in (
            store.num_pairs,
            make_plan(config, store).num_updates(0),
            meta.num_src_tokens + meta.num_pairs,
            meta.num_tgt_tokens + meta.num_pairs,
        )
    )
    drops = {reason: round(scale * count) for reason, count in meta.drops.items()}
    if scale != 1:
        drops = {reason: count + left_out.get(reason, 0) for reason, count in drops.items()}
    num_read = num_pairs + sum(drops.values())
    sizes = corpus.src_tokenizer.vocab_size, corpus.tgt_tokenizer.vocab_size
    normalizations = (
        corpus.src_tokenizer.described_normalization,
        corpus.tgt_tokenizer.described_normalization,
    )
    values = {
        "is_sample": scale != 1,
        "num_training_pairs": num_pairs,
        "num_read": num_read,
        "drops": drops,
        "num_validation_pairs": len(corpus.valid.src_texts),
        "src_vocab_size": sizes[0],
        "tgt_vocab_size": sizes[1],
        "src_normalization": normalizations[0],
        "tgt_normalization": normalizations[1],
        "num_src_tokens": num_src,
        "num_tgt_tokens": num_tgt,
        "updates_per_epoch": num_updates,
    }
    lines = [
        f"training pairs: {about}{num_pairs} of {num_read} (dropped: {describe_drops(drops)})",
        f"validation pairs: {len(corpus.valid.src_texts)}",
        f"vocabulary: {sizes[0]} source, {sizes[1]} target pieces",
        f"normalization: source {normalizations[0]}, target {normalizations[1]}",
        f"tokens: {about}{num_src:,} source, {num_tgt:,} target, EOS included",
        f"updates per epoch: {about}{num_updates}",
    ]
    return Finding("corpus", values, lines)


def _length(
    config: TrainConfig, corpus: Corpus, scale: float, seconds: float, budget_s: float | None
) -> Finding:
    """How long the run is, in updates and on this machine."""
    plan = make_plan(config, corpus.store)
    per_epoch = scale * plan.num_updates(0)
    limit = find_step_limit(config, plan)
    if scale != 1 and config.training.max_epochs is not None:
        limit = round(per_epoch * config.training.max_epochs)
        limit = min(limit, config.training.max_steps or limit)
    fitting = None if budget_s is None else int(budget_s / seconds)
    steps = limit if fitting is None else min(fitting, limit or fitting)
    check_warmup(config, limit, budget_s)
    if budget_s is None and (warning := long_warmup(config, limit)):
        logger.warning("%s", warning)
    values = {
        "num_updates": steps,
        "num_epochs": None if steps is None else steps / per_epoch,
        "seconds": None if steps is None else steps * seconds,
        "seconds_per_epoch": per_epoch * seconds,
        "budget_s": budget_s,
    }
    epoch = f"an epoch takes about {describe_duration(per_epoch * seconds)}"
    if steps is None:
        ends = "`validation.patience` ends it" if config.validation.patience else "you stop it"
        line = f"training: until {ends}; {epoch}, without validation"
    else:
        line = (
            f"training: {steps:,} updates, {steps / per_epoch:.1f} epochs, about"
            f" {describe_duration(steps * seconds)} on this machine, without validation; {epoch}"
        )
    return Finding("training", values, [line])
