"""`mtcli train --check`: find every problem of a run before it starts."""

from __future__ import annotations

import logging
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from mtcli.bundle.model_folder import Bundle
from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import Batch
from mtcli.device.choice import choose_device
from mtcli.device.memory import memory_errors
from mtcli.device.precision import Numerics, choose_numerics
from mtcli.distributed.world import World
from mtcli.evaluation.tokenization import check_tokenization
from mtcli.model.seq2seq import PassSettings, Seq2Seq, num_parameters
from mtcli.runs.folder import RunFolder
from mtcli.tokenizer.protocol import EOS_ID
from mtcli.training.corpus import Corpus, check_files_of, make_plan, prepare_corpus
from mtcli.training.corpus_reports import describe_drops
from mtcli.training.optim import build_optimizers
from mtcli.training.run_length import check_length, check_warmup, find_step_limit, long_warmup
from mtcli.training.settling import settle
from mtcli.training.step import LESS_MEMORY, StepParts, train_step
from mtcli.training.tensors import to_tensors
from mtcli.training.text_checks import report_on_texts
from mtcli.training.validation import batch_of
from mtcli.training.warm_start import starting_model, take_weights

logger = logging.getLogger(__name__)

_MIB = 2**20


def check(config: TrainConfig, budget_s: float | None = None) -> Iterator[str]:
    """Yield lines that describe a run of `config`; nothing is trained or kept.

    Tokenizer and store are made in a temporary folder. One update on a micro-batch of the longest
    pairs shows how much memory the run needs. The run folder is not read.

    Raises:
        MtcliError: anything that would stop the run.
    """
    settled = settle(config, budget_s)
    config = settled.config
    for line in settled.described():
        yield f"auto: {line}"
    yield f"config: {config.src_lang} to {config.tgt_lang}, run folder {config.run_dir}"
    check_length(config, budget_s)
    check_warmup(config, config.training.max_steps, budget_s)
    check_tokenization(config.tgt_lang, config.validation.bleu_tokenize)
    check_files_of(config)
    device = choose_device(config.training.device)
    numerics = choose_numerics(device, config.training.precision)
    yield f"device: {numerics.device}, precision {numerics.precision}"
    with tempfile.TemporaryDirectory() as temporary:
        run = RunFolder(Path(temporary))
        data = replace(config.data, cache_dir=Path(temporary) / "cache")
        start = starting_model(config)
        corpus = prepare_corpus(replace(config, data=data), run, World(), start)
        report_on_texts(config, corpus.valid, reads_training=True)
        yield from _describe_corpus(config, corpus)
        total_steps = find_step_limit(config, make_plan(config, corpus.store))
        check_warmup(config, total_steps, budget_s)
        if budget_s is None and (warning := long_warmup(config, total_steps)):
            logger.warning(warning)
        yield from _one_step(config, corpus, numerics, start)


def _describe_corpus(config: TrainConfig, corpus: Corpus) -> Iterator[str]:
    store = corpus.store
    dropped = describe_drops(store.meta.drops)
    yield f"training pairs: {store.num_pairs} of {store.meta.num_read} (dropped: {dropped})"
    yield f"validation pairs: {len(corpus.valid.src_texts)}"
    yield (
        f"vocabulary: {corpus.src_tokenizer.vocab_size} source,"
        f" {corpus.tgt_tokenizer.vocab_size} target pieces"
    )
    yield (
        f"normalization: source {corpus.src_tokenizer.described_normalization},"
        f" target {corpus.tgt_tokenizer.described_normalization}"
    )
    yield f"updates per epoch: {make_plan(config, store).num_updates(0)}"


def longest_batch(corpus: Corpus, max_tokens: int) -> Batch:
    """A batch of the longest pairs of the corpus, as many as `batch.max_tokens` allows."""
    longest_src = corpus.store.meta.longest_src
    longest_tgt = corpus.store.meta.longest_tgt
    rows = max(1, max_tokens // (max(longest_src, longest_tgt) + 1))
    src = [EOS_ID + 1] * longest_src
    tgt = [EOS_ID + 1] * longest_tgt
    return batch_of([(src, tgt)] * rows)


def _one_step(
    config: TrainConfig, corpus: Corpus, numerics: Numerics, start: Bundle | None
) -> Iterator[str]:
    sizes = corpus.src_tokenizer.vocab_size, corpus.tgt_tokenizer.vocab_size
    model = Seq2Seq(config.model, *sizes)
    if start is not None:
        take_weights(model, config, start)
    model.to(numerics.device).train()
    yield f"parameters: {num_parameters(model):,}"
    parts = StepParts(
        model=model,
        optimizers=build_optimizers(model, config.optim),
        scaler=numerics.make_scaler(),
        numerics=numerics,
        world=World(),
        label_smoothing=config.training.label_smoothing,
        clip_norm=config.optim.clip_norm,
    )
    batch = longest_batch(corpus, config.batch.max_tokens)
    started = time.perf_counter()
    rdrop = config.regularization.rdrop
    # the largest value of the schedule needs the most memory
    settings = PassSettings(rdrop_alpha=max(rdrop.value, rdrop.start or 0.0))
    rows, length = batch.src_ids.shape[0], max(batch.src_ids.shape[1], batch.tgt_out_ids.shape[1])
    with memory_errors(numerics.device, f"{rows} pairs of {length} pieces", LESS_MEMORY):
        tensors = [to_tensors(batch, numerics.device)]
        stats = train_step(parts, tensors, batch.num_tgt_tokens, settings)
    loss = stats.loss_sum.item() / batch.num_tgt_tokens
    seconds = time.perf_counter() - started
    yield (
        f"longest batch: {rows} pairs of {length} pieces, one update took {seconds:.2f} s,"
        f" loss {loss:.2f} per token"
    )
    yield f"peak memory: {_peak_memory_bytes(numerics.device) / _MIB:.0f} MiB on {numerics.device}"


def _peak_memory_bytes(device: torch.device) -> int:
    """Peak memory of the device; on CPU, of the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB
