"""Rank the models of a run by their validation scores."""

from __future__ import annotations

from mtcli.bundle.model_folder import read_model
from mtcli.runs.folder import RunFolder


def rank_models(run: RunFolder, metric: str) -> list[int]:
    """Steps of the models, best first by `bleu`, `chrf` or `loss`; of equals the earlier one."""
    sign = -1 if metric == "loss" else 1
    scored = []
    for step in run.model_steps():
        for score in read_model(run.model(step)).scores:
            if score.metric.lower() == metric and score.split == "valid":
                scored.append((-sign * score.score, step))
    return [step for _, step in sorted(scored)]
