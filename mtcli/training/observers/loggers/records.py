"""What of a run's records experiment trackers get, and what it is called there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtcli.config.dumped import read_dumped
from mtcli.config.metric_names import DEFAULT_METRICS
from mtcli.config.problems import dotted
from mtcli.runs.folder import RunFolder
from mtcli.training.observers.loggers.protocol import Sample

_OF_STEPS = {
    "loss_per_token": "train/loss",
    "grad_norm": "train/grad_norm",
    "lr": "train/lr",
    "tgt_tokens_per_s": "train/tgt_tokens_per_s",
    "tgt_tokens_per_update": "train/tgt_tokens_per_update",
    "data_wait_share": "train/data_wait_share",
    "epoch": "progress/epoch",
    "total_tgt_tokens": "progress/tgt_tokens",
    "elapsed_s": "progress/elapsed_s",
    "cpu_s": "progress/cpu_s",
}
_OF_VALIDATIONS = {
    "loss_per_token": "valid/loss",
    "perplexity": "valid/perplexity",
    "training_loss_per_token": "valid/loss_of_training_pairs",
    "duration_s": "valid/duration_s",
    "best_score": "valid/best_score",
    "best_step": "valid/best_step",
}


def scalars_of_steps(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a report of steps, by their names at trackers.

    Args:
        record: as in metrics.jsonl.
    """
    rates = record.get("lr_of_groups") or {}
    groups = {f"train/lr_of/{name}": rate for name, rate in rates.items()} if len(rates) > 1 else {}
    return _numbers({name: record.get(key) for key, name in _OF_STEPS.items()} | groups)


def scalars_of_validation(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a validation; a metric is called as in `validation.metrics`."""
    scores = record.get("scores") or {name: record.get(name) for name in DEFAULT_METRICS}
    named = {f"valid/{name}": score for name, score in scores.items()}
    return _numbers({name: record.get(key) for key, name in _OF_VALIDATIONS.items()} | named)


def sample_of(record: Mapping[str, Any]) -> Sample | None:
    """The sample of a validation; None if an earlier mtcli recorded none."""
    keys = ("sample_source", "sample_hypothesis", "sample_reference")
    source, hypothesis, reference = (record.get(key) for key in keys)
    if source is None or hypothesis is None or reference is None:
        return None
    return Sample(source, hypothesis, reference)


def hyperparameters_of(run: RunFolder) -> dict[str, Any]:
    """The values of the run's config by their dotted keys, without those of `logging`.

    An address there may have a password.

    Raises:
        ConfigError: the config is not YAML.
        OSError: it cannot be read.
    """
    values = read_dumped(run.config.read_text(encoding="utf-8"))
    return {dotted(key): value for key, value in values.items() if key[0] != "logging"}


def model_card_of(run: RunFolder) -> str | None:
    """The README.md of the best model; None if there is no model."""
    best = run.best_model()
    path = None if best is None else Path(best) / "README.md"
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}
