"""The learning curves of runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtcli.config.metric_names import DEFAULT_METRICS, shown_metric
from mtcli.reports.charts import Chart, Series, line_chart
from mtcli.reports.thinning import thinned

Records = Sequence[Mapping[str, Any]]


def learning_curves(metrics: Mapping[str, tuple[Records, Records]]) -> list[Chart]:
    """Charts over updates, tokens and time, those without any value omitted.

    Args:
        metrics: of each run, by its name: the reports of steps and the validations.
    """
    losses, scores, rates, norms, speeds = ([] for _ in range(5))  # type: ignore[var-annotated]
    for run, (steps, validations) in metrics.items():
        losses += _series(run, "training, as optimized", steps, "loss_per_token")
        losses += _series(run, "training pairs", validations, "training_loss_per_token")
        losses += _series(run, "validation pairs", validations, "loss_per_token")
        of_run = [_scores_of(record) for record in validations]
        for name in dict.fromkeys(name for found in of_run for name in found):
            scored = [
                {**r, name: found.get(name)} for r, found in zip(validations, of_run, strict=True)
            ]
            scores += _series(run, shown_metric(name), scored, name)
        rates += _series(run, "learning rate", steps, "lr")
        norms += _series(run, "gradient norm", steps, "grad_norm")
        speeds += _series(run, "target tokens/s", steps, "tgt_tokens_per_s")
    is_positive = all(value > 0 for one in norms for value in one.columns["value"])
    runs = list(metrics)
    charts = [
        line_chart("loss", "Loss, nats per target token", losses, runs),
        line_chart("scores", "Scores on the validation pairs", scores, runs),
        line_chart("rate", "Learning rate", rates, runs),
        line_chart("norm", "Gradient norm before clipping", norms, runs, is_log=is_positive),
        line_chart("speed", "Throughput, target tokens per second", speeds, runs),
    ]
    return [chart for chart in charts if chart.series]


def _scores_of(validation: Mapping[str, Any]) -> Mapping[str, float | None]:
    """The scores of a validation; those of an earlier mtcli have BLEU and chrF alone."""
    return validation.get("scores") or {name: validation.get(name) for name in DEFAULT_METRICS}


def _series(run: str, kind: str, records: Records, key: str) -> Iterator[Series]:
    """The values of a key, if there are any."""
    places = thinned([record.get(key) for record in records])
    if places:
        kept = [records[place] for place in places]
        columns = {
            "value": [record[key] for record in kept],
            "step": [record["step"] for record in kept],
            "tokens": [record.get("total_tgt_tokens", 0) for record in kept],
            "hours": [record.get("elapsed_s", 0.0) / 3600 for record in kept],
        }
        yield Series(run, kind, columns)
