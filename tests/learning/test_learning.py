"""A tiny model learns to reverse: the loop, end to end, on one core."""

import json
from dataclasses import replace

import pytest

from mtcli.config.load import load_config
from mtcli.training.setup import train
from tests.support.small_run import write_corpus, write_run

LEARNING = (
    "model.d_model=64",
    "model.d_ff=128",
    "model.decoder_layers=2",
    "model.dropout=0.0",
    "batch={tokens_per_update: 1000, max_tokens: 1000}",
    "optim.lr=3e-3",
    "schedule={kind: linear, warmup_steps: 50}",
    "training.max_steps=600",
    "validation.every_steps=150",
)


def bleu_curve(folder):
    lines = (folder / "run/metrics.jsonl").read_text().split("\n")[:-1]
    return [m["bleu"] for m in map(json.loads, lines) if m["kind"] == "validation"]


@pytest.mark.slow
def test_it_learns_to_reverse_words_never_seen_in_this_order(tmp_path):
    config = load_config(write_run(tmp_path, *LEARNING), working_dir=tmp_path)
    write_corpus(tmp_path, num_pairs=3000)
    train(config)
    curve = bleu_curve(tmp_path)
    assert curve[-1] > 80
    assert curve[-1] > curve[0] + 20
    losses = []
    for seed in (1, 2):
        path = tmp_path / f"seed{seed}"
        train(
            replace(
                config,
                seed=seed,
                run_dir=path,
                training=replace(config.training, max_steps=4),
            )
        )
        lines = (path / "metrics.jsonl").read_text().split("\n")[:-1]
        losses.append(json.loads(lines[0])["loss_per_token"])
    assert losses[0] != losses[1]
