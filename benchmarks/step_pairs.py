"""Whether the training step of a recipe costs what it cost in another tree, and gives its bits.

    python benchmarks/step_pairs.py OLD_TREE CONFIG TEXTS [--pairs 9] [--updates 40]
        [--set KEY=VALUE]

TEXTS is a folder with train.en and train.de; a word stands for 1.2 random pieces. A pair is the
same updates in both trees, each in a fresh process with one thread, in turns. Prints the CPU
seconds of each pair, the median of their ratios, the ratio of the sums of each update's least time,
which other work on the machine changes least, and whether all weights are the same, bit for bit.
"""

import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

NUM_PIECES = 5000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tree", type=Path)
    parser.add_argument("config", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--child", action="store_true")
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments)))
        return
    trees = {"old": arguments.tree.resolve(), "new": Path(__file__).resolve().parents[1]}
    times, digests, ratios = {name: [] for name in trees}, set(), []
    for number in range(arguments.pairs):
        for name in list(trees)[:: 1 if number % 2 == 0 else -1]:
            environment = os.environ | {"PYTHONPATH": str(trees[name]), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, str(Path(__file__).resolve()), "--child", *sys.argv[1:]]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            found = json.loads(done.stdout)
            times[name].append(found["cpu_s"])
            digests.add(found["sha256"])
        old, new = (sum(times[name][-1]) for name in ("old", "new"))
        ratios.append(new / old)
        print(f"{old:.2f} {new:.2f} s, ratio {ratios[-1]:.3f}", flush=True)
    least = {name: sum(map(min, zip(*runs, strict=True))) for name, runs in times.items()}
    print(
        f"median ratio {statistics.median(ratios):.3f}, of the least times"
        f" {least['new'] / least['old']:.3f}; {'same' if len(digests) == 1 else 'OTHER'} bits"
    )


def measure(arguments):
    """CPU seconds of each update, and the SHA-256 of all weights after the last."""
    import torch

    from mtcli.config.load import load_config
    from mtcli.device.precision import choose_numerics
    from mtcli.distributed.world import World
    from mtcli.model.seq2seq import Seq2Seq
    from mtcli.system.allocator import prepare_memory
    from mtcli.training.optim import build_optimizers
    from mtcli.training.step import StepParts, train_step

    prepare_memory()
    torch.set_num_threads(1)
    config = load_config(arguments.config, arguments.overrides, working_dir=Path.cwd())
    torch.manual_seed(config.seed)
    model = Seq2Seq(config.model, NUM_PIECES, NUM_PIECES).train()
    numerics = choose_numerics(torch.device("cpu"), "fp32")
    parts = StepParts(
        model=model,
        optimizers=build_optimizers(model, config.optim),
        scaler=numerics.make_scaler(),
        numerics=numerics,
        world=World(),
        label_smoothing=config.training.label_smoothing,
        clip_norm=config.optim.clip_norm,
    )
    parts.optimizers.set_lr(1e-2)
    cpu_s = []
    for batch in batches(arguments.texts, config.batch.tokens_per_update, arguments.updates):
        started = time.process_time()
        train_step(parts, [batch], len(batch.loss_ids_N))
        cpu_s.append(time.process_time() - started)
    digest = hashlib.sha256()
    for weight in model.parameters():
        digest.update(weight.detach().numpy().tobytes())
    return {"cpu_s": cpu_s, "sha256": digest.hexdigest()}


def batches(folder, tokens_per_update, num_updates):
    """Updates of pairs of like lengths, those of the texts, with random pieces."""
    import torch

    from mtcli.model.seq2seq import TensorBatch

    sides = [
        (folder / f"train.{lang}").read_text(encoding="utf-8").split("\n") for lang in ("en", "de")
    ]
    lengths = [
        tuple(int(1.2 * len(text.split())) + 1 for text in pair)
        for pair in zip(*sides, strict=True)
    ]
    rng = random.Random(1)
    rng.shuffle(lengths)
    lengths.sort(key=lambda pair: pair[::-1])
    updates, rows = [], []
    for pair in lengths:
        if rows and sum(tgt for _, tgt in rows) + pair[1] > tokens_per_update:
            updates.append(rows)
            rows = []
        rows.append(pair)
    rng.shuffle(updates)
    generator = torch.Generator().manual_seed(1)
    for rows in updates[:num_updates]:
        S, T = (max(side) for side in zip(*rows, strict=True))
        src = torch.randint(4, NUM_PIECES, (len(rows), S), generator=generator)
        tgt = torch.randint(4, NUM_PIECES, (len(rows), T), generator=generator)
        src_keep = torch.arange(S) < torch.tensor([[src] for src, _ in rows])
        tgt_keep = torch.arange(T) < torch.tensor([[tgt] for _, tgt in rows])
        positions = tgt_keep.flatten().nonzero()[:, 0]
        keep = None if src_keep.all() else src_keep
        yield TensorBatch(src * src_keep, keep, tgt * tgt_keep, positions, tgt.flatten()[positions])


if __name__ == "__main__":
    main()
