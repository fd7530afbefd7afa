"""Throughput of mtcli's training step on batches of at most 4096 padded cells, one process.

Usage: python benchmarks/tiny_step.py FOLDER [--shape tiny|base] [--precision fp32|bf16]
FOLDER holds train.en, train.de and spm.model (10,000 pieces). The batches are made the way a plain
loop makes them: sorted by length, cut at 4096 cells of the longer side, shuffled.
"""

import argparse
import random
import time
from pathlib import Path

import sentencepiece
import torch

from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.optimization import AdamWConfig
from mtcli.device.precision import Numerics
from mtcli.distributed.world import World
from mtcli.model.seq2seq import Seq2Seq
from mtcli.training.optim import build_optimizers
from mtcli.training.plain_batches import batch_of
from mtcli.training.step import StepParts, train_step
from mtcli.training.tensors import to_tensors

SHAPES = {
    "tiny": ModelConfig(
        d_model=128, encoder_layers=4, decoder_layers=4, num_heads=4, d_ff=256, dropout=0.3
    ),
    "base": ModelConfig(),
}
MAX_CELLS = 4096


def make_batches(folder, seed=1):
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    sides = [
        tokenizer.encode((folder / f"train.{lang}").read_text("utf-8").split("\n")[:-1])
        for lang in ("en", "de")
    ]
    pairs = list(zip(*sides, strict=True))
    random.Random(seed).shuffle(pairs)
    pairs.sort(key=lambda p: (len(p[0]), len(p[1])))
    batches, rows = [], []
    for pair in pairs:
        longest = max(max(len(s), len(t)) + 1 for s, t in [*rows[:0], pair])
        widest = max([longest, *(max(len(s), len(t)) + 1 for s, t in rows)])
        if rows and (len(rows) + 1) * widest > MAX_CELLS:
            batches.append(rows)
            rows = []
        rows.append(pair)
    random.Random(seed).shuffle(batches)
    for rows in batches:
        batch = batch_of(rows)
        if max(batch.src_ids.size, batch.tgt_out_ids.size) >= 0.8 * MAX_CELLS:
            yield batch


def make_parts(shape, precision, optim, seed=1):
    torch.manual_seed(seed)
    model = Seq2Seq(shape, 10000, 10000).train()
    numerics = Numerics(torch.device("cpu"), precision)
    return StepParts(
        model=model,
        optimizers=build_optimizers(model, optim),
        scaler=numerics.make_scaler(),
        numerics=numerics,
        world=World(),
        label_smoothing=0.1,
        clip_norm=0.0,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--updates", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    parts = make_parts(SHAPES[arguments.shape], arguments.precision, AdamWConfig(lr=1e-4))
    device = parts.numerics.device
    batches = make_batches(arguments.folder)
    for _ in range(arguments.warmup):
        batch = next(batches)
        train_step(parts, [to_tensors(batch, device)], batch.num_tgt_tokens)
    started, tokens = time.perf_counter(), 0

    def run():
        nonlocal tokens
        for _ in range(arguments.updates):
            batch = next(batches)
            stats = train_step(parts, [to_tensors(batch, device)], batch.num_tgt_tokens)
            tokens += batch.num_tgt_tokens
        return stats

    if arguments.profile:
        with torch.profiler.profile() as profile:
            stats = run()
        print(
            profile.key_averages().table(
                sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=50
            )
        )
    else:
        stats = run()
    seconds = time.perf_counter() - started
    print(f"tgt/s={tokens / seconds:.0f} loss={stats.loss_sum.item() / batch.num_tgt_tokens:.3f}")


if __name__ == "__main__":
    main()
