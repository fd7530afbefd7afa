"""The checks of `mtcli eval` that end with exit code 4: `--fail-under` and `--fail-if-worse`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mtcli.errors import CheckFailedError, ConfigError

if TYPE_CHECKING:
    from mtcli.evaluation.results import Results


def parse_limits(limits: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """The lowest scores that `--fail-under NAME=NUMBER` accepts, by metric.

    Args:
        limits: values of the option.
        names: the metrics that are computed.

    Raises:
        ConfigError: one is malformed, or its metric is unknown, not computed, or an error rate.
    """
    from mtcli.config.metric_names import is_error_rate, metric_name

    lowest = {}
    for text in limits:
        name, equals, number = text.rpartition("=")
        if not equals or not _is_finite(number):
            raise ConfigError(
                f"`--fail-under {text}` is not a metric and a number",
                hint="use for example `bleu=30`",
            )
        name = metric_name(name)
        if name not in names:
            raise ConfigError(
                f"`--fail-under {text}` needs a metric that is not computed",
                hint=f"add `--metric {name}`",
            )
        if is_error_rate(name):
            raise ConfigError(
                f"`--fail-under {text}` cannot judge `{name}`, of which less is better",
                hint="use another metric, or `--fail-if-worse` with a `--baseline`",
            )
        lowest[name] = float(number)
    return lowest


def check_scores(results: Results, limits: Mapping[str, float], not_worse: str | None) -> None:
    """Raise what the user asked to be told by exit code 4.

    Args:
        results: scores and comparisons.
        limits: the lowest score of a metric.
        not_worse: the metric by which the baseline must not be better; None if none is asked for.

    Raises:
        CheckFailedError: a score is under its limit, or significantly worse than the baseline's.
    """
    failures = []
    for name, limit in limits.items():
        measured = results.measured[name]
        if not measured.score >= limit:
            failures.append(f"{measured.metric} is {measured.score:.4f}, under {limit:g}")
    if not_worse is not None and results.comparisons[not_worse].is_worse:
        failures.append(results.comparisons[not_worse].in_words())
    if failures:
        raise CheckFailedError("a check failed: " + "; ".join(failures))


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
