"""Rank the models of a run by their validation scores."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mtcli.bundle.model_folder import read_model
from mtcli.config.metric_names import METRICS, is_error_rate
from mtcli.runs.folder import RunFolder

_TIE_BREAKERS = ("loss", "chrf")
"""What decides between equal scores, in this order."""
_SHOWN_AS_ZERO = 0.005
"""A score below this is printed as 0.00, and which of two such scores is larger is chance."""


def is_zero(metric: str, score: float) -> bool:
    """Whether BLEU, chrF or another share of what is right says nothing yet: it is shown as 0.00."""
    return metric in METRICS and not is_error_rate(metric) and score < _SHOWN_AS_ZERO


def rank_key(metric: str, scores: Mapping[str, float]) -> tuple[float, ...]:
    """The key of a validation: the better of two has the larger one.

    Equal scores are broken by the loss, then by chrF. BLEU or chrF that is printed as 0.00 counts
    as 0.

    Args:
        metric: which ranks, by the name that `validation.best_by` has for it.
        scores: of the validation, by metric. One that is missing or NaN is worse than any other.
    """
    order = dict.fromkeys((metric, *_TIE_BREAKERS))
    return tuple(_goodness(name, scores.get(name, math.nan)) for name in order)


def _goodness(metric: str, score: float) -> float:
    if math.isnan(score):
        return -math.inf
    if is_error_rate(metric):
        return -score
    return 0.0 if is_zero(metric, score) else score


def rank_models(run: RunFolder, metric: str) -> list[int]:
    """Steps of the models, best first by a metric or `loss`; of equals the earlier one."""
    keys = {}
    for step in run.model_steps():
        scores = {
            score.metric.lower(): score.score
            for score in read_model(run.model(step)).scores
            if score.split == "valid"
        }
        if metric.lower() in scores:
            keys[step] = rank_key(metric.lower(), scores)
    return sorted(keys, key=keys.__getitem__, reverse=True)
