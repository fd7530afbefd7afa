"""What `mtcli train --check` measures: the memory of the longest pairs, the time of an update."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from mtcli.bundle.model_folder import Bundle
from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import Batch, Update
from mtcli.device.memory import memory_errors
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.model.seq2seq import PassSettings, Seq2Seq, num_parameters
from mtcli.system.memory_use import peak_memory_bytes
from mtcli.tokenizer.protocol import EOS_ID
from mtcli.training.alone import largest_settings, parts_alone
from mtcli.training.corpus import Corpus
from mtcli.training.finding import Finding
from mtcli.training.plain_batches import batch_of
from mtcli.training.step import LESS_MEMORY, StepParts, train_step
from mtcli.training.tensors import to_tensors
from mtcli.training.updates import open_stream
from mtcli.training.warm_start import take_weights

_MIB = 2**20
_MOST_UPDATES = 5
_MOST_SECONDS = 5.0
"""Time for measuring updates, after the first of them."""


def measure_steps(
    config: TrainConfig, corpus: Corpus, numerics: Numerics, start: Bundle | None
) -> Iterator[Finding]:
    """Yield what the model is, what its longest batch takes, and how long an update takes.

    The last finding is `update`, with `seconds` and `num_tgt_tokens`.

    Raises:
        MtcliError: there is not enough memory.
    """
    sizes = corpus.src_tokenizer.vocab_size, corpus.tgt_tokenizer.vocab_size
    model = Seq2Seq(config.model, *sizes, corpus.separators)
    if start is not None:
        take_weights(model, config, start)
    model.to(numerics.device).train()
    size = num_parameters(model)
    yield Finding("model", {"num_parameters": size}, [f"parameters: {size:,}"])
    parts = parts_alone(model, config, numerics)
    settings = largest_settings(config)
    longest_s, finding = _longest_batch(config, corpus, parts, settings)
    yield finding
    yield _updates(config, corpus, parts, settings, longest_s)


def longest_batch(corpus: Corpus, max_tokens: int) -> Batch:
    """A batch of the longest pairs of the corpus, as many as `batch.max_tokens` allows.

    Of documents it is the longest chunks.
    """
    longest_src, longest_tgt = corpus.longest
    longest = max(longest_src + len(corpus.tags.src), longest_tgt + len(corpus.tags.tgt))
    rows = max(1, max_tokens // (longest + 1))
    src = [EOS_ID + 1] * longest_src
    tgt = [EOS_ID + 1] * longest_tgt
    return batch_of([(src, tgt)] * rows, tags=corpus.tags)


def _longest_batch(
    config: TrainConfig, corpus: Corpus, parts: StepParts, settings: PassSettings
) -> tuple[float, Finding]:
    batch = longest_batch(corpus, config.batch.max_cells)
    device = parts.numerics.device
    rows, length = batch.src_ids.shape[0], max(batch.src_ids.shape[1], batch.tgt_out_ids.shape[1])
    with memory_errors(device, f"{rows} pairs of {length} pieces", LESS_MEMORY):
        seconds, loss_sum = _timed_step(parts, [batch], settings)
    loss, peak_bytes = loss_sum / batch.num_tgt_tokens, _peak_memory_bytes(device)
    values = {
        "num_pairs": rows,
        "num_pieces": length,
        "seconds": seconds,
        "loss_per_token": loss,
        "peak_memory_bytes": peak_bytes,
        "device": str(device),
    }
    lines = [
        f"longest batch: {rows} pairs of {length} pieces, one update took {seconds:.2f} s,"
        f" loss {loss:.2f} per token",
        f"peak memory: {peak_bytes / _MIB:.0f} MiB on {device}",
    ]
    return seconds, Finding("longest_batch", values, lines)


def _updates(
    config: TrainConfig,
    corpus: Corpus,
    parts: StepParts,
    settings: PassSettings,
    longest_s: float,
) -> Finding:
    """Measure the first updates of the run; of slow ones, only their first micro-batch."""
    times: list[float] = []
    num_tokens = 0
    with open_stream(config, corpus, World(), 0, 0) as stream:
        for update in stream:
            seconds = _update_seconds(update, parts, settings, longest_s)
            num_tokens += sum(batch.num_tgt_tokens for batch in update.micro_batches)
            times.append(seconds)
            if len(times) == _MOST_UPDATES or sum(times) > _MOST_SECONDS:
                break
    # the fastest of several, where the machine does other work as well or buffers are new
    seconds, tokens = min(times), num_tokens / len(times)
    values = {"seconds": seconds, "num_tgt_tokens": tokens, "num_measured": len(times)}
    line = (
        f"an update: {tokens:,.0f} target tokens in {seconds:.2f} s,"
        f" {tokens / seconds:,.0f} target tokens/s"
    )
    return Finding("update", values, [line])


def _update_seconds(
    update: Update, parts: StepParts, settings: PassSettings, longest_s: float
) -> float:
    batches = list(update.micro_batches)
    if len(batches) * longest_s <= _MOST_SECONDS:
        return _timed_step(parts, batches, settings)[0]
    return len(batches) * _timed_step(parts, batches[:1], settings)[0]


def _timed_step(
    parts: StepParts, batches: list[Batch], settings: PassSettings
) -> tuple[float, float]:
    """The seconds of an update, and the sum of its losses."""
    started = time.perf_counter()
    tensors = [to_tensors(batch, parts.numerics.device) for batch in batches]
    num_tokens = max(1, sum(batch.num_tgt_tokens for batch in batches))
    loss_sum = train_step(parts, tensors, num_tokens, settings).loss_sum.item()
    return time.perf_counter() - started, loss_sum


def _peak_memory_bytes(device: torch.device) -> int:
    """Peak memory of the device; on CPU, of the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return peak_memory_bytes()
