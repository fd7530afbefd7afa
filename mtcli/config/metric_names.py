"""The metrics that `mtcli eval` and the validation of a training know, by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from mtcli.errors import ConfigError, in_backticks

METRICS: Mapping[str, str] = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "chrf++": "chrF++",
    "ter": "TER",
    "accuracy": "accuracy",
    "exact_match": "exact_match",
    "rouge-1": "ROUGE-1",
    "rouge-2": "ROUGE-2",
    "rouge-l": "ROUGE-L",
}
"""What is written in options and configs, and how a score is printed; they differ in capitals only,
so that each is found by the other."""

DEFAULT_METRICS = ("bleu", "chrf")

COMET, _COMMAND = "comet", "command:"
"""Metrics that another program computes: `comet`, `comet:MODEL`, `command:PROGRAM ARGUMENTS`."""

LOSS = "loss"
"""What validation computes in any case, beside metrics."""

_ERROR_RATES = {"ter", LOSS}


def metric_name(text: str) -> str:
    """The name of a metric as configs write it, whatever its capitals, `-` and `_`.

    Raises:
        ConfigError: there is no such metric.
    """
    names = {_plain(name): name for name in METRICS}
    if _plain(text) in names:
        return names[_plain(text)]
    if text.partition(":")[0].lower() == COMET:
        text = COMET + text[len(COMET) :]
    if problem := metric_problem(text, with_loss=False):
        sentence, _, hint = problem.partition("; ")
        raise ConfigError(sentence, hint=hint)
    return text


def metric_problem(text: str, *, with_loss: bool) -> str:
    """Why a config cannot name a metric like this, `; `, and what to do; empty if it can.

    Args:
        text: the name.
        with_loss: whether the loss would do, too.
    """
    if comet_model(text) is not None or command_of(text):
        return ""
    names = [*METRICS, LOSS] if with_loss else [*METRICS]
    if text in names:
        return ""
    near = get_close_matches(_plain(text), [_plain(name) for name in names], 1)
    guesses = [f"did you mean `{name}`? " for name in names if near and _plain(name) == near[0]]
    listed = f"{in_backticks([*names, COMET])} or `{_COMMAND}...`"
    return f"`{text}` is not a metric; {''.join(guesses)}use one of: {listed}"


def comet_model(name: str) -> str | None:
    """The model of `comet` or `comet:MODEL`, empty for the default; None for other metrics."""
    metric, _, model = name.partition(":")
    return model if metric == COMET else None


def command_of(name: str) -> str:
    """The command of `command:...`; empty for other metrics."""
    return name.removeprefix(_COMMAND).strip() if name.startswith(_COMMAND) else ""


def is_external(name: str) -> bool:
    """Whether another program computes the metric."""
    return comet_model(name) is not None or bool(command_of(name))


def digits_of(metric: str) -> int:
    """Decimals that are shown of a score; external metrics have scales of their own, often 0 to 1.

    Args:
        metric: its name, or how it is printed.
    """
    return 2 if metric.lower() in METRICS else 4


def shown_metric(name: str) -> str:
    """How a metric is printed."""
    model = comet_model(name)
    if model is not None:
        return f"{COMET.upper()}:{model}" if model else COMET.upper()
    return METRICS.get(name, name)


def is_error_rate(name: str) -> bool:
    """Whether less is better."""
    return name in _ERROR_RATES


def _plain(text: str) -> str:
    return text.lower().replace("-", "").replace("_", "")
