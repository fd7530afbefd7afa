"""A tiny model learns to reverse: the loop, end to end, on one core."""

import json
from dataclasses import replace

import pytest

from mtcli.config.load import load_config
from mtcli.training.setup import train
from tests.support.small_run import CONFIG, write_corpus

LEARNING = (
    CONFIG.replace("d_model: 16", "d_model: 64")
    .replace("d_ff: 24", "d_ff: 128")
    .replace("decoder_layers: 1", "decoder_layers: 2")
    .replace("dropout: 0.1", "dropout: 0.0")
    .replace("tokens_per_update: 200, max_tokens: 120", "tokens_per_update: 1000, max_tokens: 1000")
    .replace("lr: 5e-3", "lr: 3e-3")
    .replace("kind: inverse_sqrt, warmup_steps: 5", "kind: linear, warmup_steps: 50")
    .replace("max_steps: 12, precision: fp32", "max_steps: 600, precision: fp32")
    .replace("every_steps: 6", "every_steps: 150")
)


def bleu_curve(folder):
    lines = (folder / "run/metrics.jsonl").read_text().split("\n")[:-1]
    return [m["bleu"] for m in map(json.loads, lines) if m["kind"] == "validation"]


@pytest.mark.slow
def test_it_learns_to_reverse_words_never_seen_in_this_order(tmp_path):
    write_corpus(tmp_path, num_pairs=3000)
    (tmp_path / "config.yaml").write_text(LEARNING, encoding="utf-8")
    config = load_config(tmp_path / "config.yaml", working_dir=tmp_path)
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
