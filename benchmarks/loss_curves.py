"""Loss curves of the fast training path and of the plain formulas, on the same batches.

Usage: python benchmarks/loss_curves.py FOLDER [--updates 200] [--cells 1024]
FOLDER holds train.en, train.de and spm.model (10,000 pieces). The plain path is fp32, with full
logits and torch's own cross-entropy, torch's dropout, attention written out and queries, keys and
values projected one by one. Two measurements, of shape `tiny` under Adam with warm-up:

1. Dropout .3: plain with two seeds, fast in bf16 with the first. Prints the mean loss of every
   tenth of the updates, and the mean distance of neighbouring curves.
2. No dropout, fp32: both paths from the same weights at every update of the fast one. Prints the
   largest relative differences of loss and gradient norm.
"""

import argparse
import itertools
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import tiny_step
import torch
import torch.nn.functional as F

from mtcli.config.schema.optimization import AdamConfig
from mtcli.model.attention.full import attention_weights
from mtcli.model.attention.projections import MultiHeadAttention
from mtcli.system.allocator import prepare_memory
from mtcli.training.step import train_step
from mtcli.training.tensors import to_tensors

WARMUP = 100
LEARNING_RATE = 2e-3
CPU = torch.device("cpu")


def plain_loss(hidden, weight, ids, smoothing):
    return F.cross_entropy(hidden @ weight.T, ids, label_smoothing=smoothing, reduction="sum")


def plain_dropout(x, p, *, training):
    return F.dropout(x, p, training)


def plain_attention(q, k, v, *, keep=None, is_causal=False, dropout_p=0.0):
    if is_causal:
        keep = torch.ones((q.size(2), k.size(2)), dtype=torch.bool).tril()
    weights = F.dropout(attention_weights(q, k, keep), dropout_p)
    return (weights @ v).transpose(1, 2).flatten(-2)


def plain_qkv(self, x):
    k, v = (
        self._split(self.k_proj(x), self.num_kv_heads),
        self._split(self.v_proj(x), self.num_kv_heads),
    )
    return self.project_q(x), k, v


@contextmanager
def plain_formulas():
    with (
        mock.patch("mtcli.model.seq2seq.smoothed_cross_entropy", plain_loss),
        mock.patch("mtcli.model.encoder.dropout", plain_dropout),
        mock.patch("mtcli.model.feed_forward.dropout", plain_dropout),
        mock.patch("mtcli.model.dropout.dropout", plain_dropout),
        mock.patch("mtcli.model.encoder.attend", plain_attention),
        mock.patch("mtcli.model.decoder.attend", plain_attention),
        mock.patch.object(MultiHeadAttention, "project_qkv", plain_qkv),
    ):
        yield


def make_parts(seed, precision, dropout):
    shape = replace(tiny_step.SHAPES["tiny"], dropout=dropout)
    optim = AdamConfig(kind="adam", lr=LEARNING_RATE)
    return tiny_step.make_parts(shape, precision, optim, seed)


def one_update(parts, step, batch):
    for optimizer in parts.optimizers.parts:
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / WARMUP)
    stats = train_step(parts, [to_tensors(batch, CPU)], batch.num_tgt_tokens)
    return stats.loss_sum.item() / batch.num_tgt_tokens


def curve(batches, seed, precision):
    parts = make_parts(seed, precision, dropout=0.3)
    return torch.tensor([one_update(parts, step, batch) for step, batch in enumerate(batches)])


def loss_and_norm(model, batch):
    loss = model(to_tensors(batch, CPU), 0.1) / batch.num_tgt_tokens
    norm = torch.nn.utils.get_total_norm(torch.autograd.grad(loss, list(model.parameters())))
    return loss.item(), norm.item()


def largest_differences(batches):
    parts = make_parts(1, "fp32", dropout=0.0)
    worst = [0.0, 0.0]
    for step, batch in enumerate(batches):
        fast = loss_and_norm(parts.model, batch)
        with plain_formulas():
            plain = loss_and_norm(parts.model, batch)
        for i in range(2):
            worst[i] = max(worst[i], abs(fast[i] / plain[i] - 1))
        one_update(parts, step, batch)
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--cells", type=int, default=1024)
    arguments = parser.parse_args()
    prepare_memory()
    tiny_step.MAX_CELLS = arguments.cells
    batches = list(itertools.islice(tiny_step.make_batches(arguments.folder), arguments.updates))

    with plain_formulas():
        curves = {f"plain fp32, seed {seed}": curve(batches, seed, "fp32") for seed in (1, 2)}
    curves["fast bf16, seed 1"] = curve(batches, 1, "bf16")
    tenth = max(1, len(batches) // 10)
    for name, losses in curves.items():
        print(f"{name:20s}", " ".join(f"{x.mean():.3f}" for x in losses.split(tenth)))
    first, second, fast = curves.values()
    print(f"mean |difference| of the two seeds   {(first - second).abs().mean():.4f}")
    print(f"mean |difference| of fast and plain  {(first - fast).abs().mean():.4f}")
    print(f"mean difference of fast minus plain  {(fast - first).mean():+.4f}")
    loss, norm = largest_differences(batches)
    print(f"fp32, no dropout, largest relative difference: loss {loss:.1e}, gradient {norm:.1e}")


if __name__ == "__main__":
    main()
