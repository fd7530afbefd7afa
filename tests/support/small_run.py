"""A small real run: 200 pairs of made-up words, a config that trains on them in seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path

from mtcli.config.load import load_config, read_values

WORDS = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe"]

_CONFIG = """\
src_lang: en
tgt_lang: de
run_dir: run
data:
  train: [{src: train.en, tgt: train.de}]
  valid: [{src: valid.en, tgt: valid.de}]
  max_length: 60
tokenizer: {vocab_size: 60, byte_fallback: false}
model:
  d_model: 16
  encoder_layers: 2
  decoder_layers: 1
  num_heads: 2
  d_ff: 24
  dropout: 0.1
  max_positions: 80
optim: {lr: 5e-3}
schedule: {kind: inverse_sqrt, warmup_steps: 5}
batch: {tokens_per_update: 200, max_tokens: 120}
training: {max_steps: 12, precision: fp32, device: cpu, log_every_steps: 2}
validation: {every_steps: 6}
"""


def write_corpus(folder: Path, *, num_pairs: int = 200, seed: int = 0) -> None:
    """train and valid in both languages; the target is the source reversed, in capitals.

    No sentence of valid is in train, of which every start would warn.
    """
    generator = random.Random(seed)
    trained_on: list[list[str]] = []
    for split, size in (("train", num_pairs), ("valid", 12)):
        src = [
            [generator.choice(WORDS) for _ in range(generator.randint(1, 9))] for _ in range(size)
        ]
        src = [words + words[:1] if words in trained_on else words for words in src]
        trained_on = src
        for lang, lines in (
            ("en", [" ".join(words) for words in src]),
            ("de", [" ".join(reversed(words)).upper() for words in src]),
        ):
            (folder / f"{split}.{lang}").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_run(folder: Path, *overrides: str) -> Path:
    """Corpus and config in `folder`; the config's path. Its paths are relative to `folder`.

    Args:
        folder: Where to write.
        overrides: `KEY=VALUE` each, as `--set` takes them. A key that there is not is an error.
    """
    write_corpus(folder)
    path = folder / "config.yaml"
    path.write_text(_CONFIG, encoding="utf-8")
    if overrides:
        load_config(path, overrides, working_dir=folder)
        values, _, _ = read_values(path, overrides)
        path.write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML
    return path
