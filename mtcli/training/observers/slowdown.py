"""The observer that warns when training has become much slower."""

from __future__ import annotations

import logging

from mtcli.runs.metrics import StepMetrics
from mtcli.system.cores import num_cores
from mtcli.system.threads import load_average
from mtcli.training.observers.protocol import Observer

logger = logging.getLogger(__name__)

_EARLY_REPORTS = 3
_SLOW_SHARE = 0.5


class SlowdownWatch(Observer):
    """Warns once when two reports in a row are under half of the early throughput.

    Early is the best of the first three reports of this invocation. What counts is what the model
    computes: an update with R-Drop has each token twice.
    """

    def __init__(self) -> None:
        self._num_reports = 0
        self._early_rate = 0.0
        self._tokens_before = (0, 0)
        self._was_slow = self._has_warned = False

    def reported(self, metrics: StepMetrics) -> None:
        """Compare with the first reports."""
        rate = self._computed_per_s(metrics)
        self._num_reports += 1
        if self._num_reports <= _EARLY_REPORTS:
            self._early_rate = max(self._early_rate, rate)
        is_slow = rate < _SLOW_SHARE * self._early_rate
        if is_slow and self._was_slow and not self._has_warned:
            self._has_warned = True
            logger.warning(_warning(rate, self._early_rate))
        self._was_slow = is_slow

    def _computed_per_s(self, metrics: StepMetrics) -> float:
        """Target tokens that went through the model each second, since the last report."""
        tokens = metrics.total_tgt_tokens, metrics.total_tgt_tokens_computed
        once, computed = (new - old for new, old in zip(tokens, self._tokens_before, strict=True))
        # the run, not this invocation, is what the first report's totals are about; and a run that
        # diverged has fewer after it was rolled back
        is_unknown, self._tokens_before = self._num_reports == 0 or once <= 0, tokens
        return metrics.tgt_tokens_per_s * (1.0 if is_unknown else computed / once)


def _warning(rate: float, early_rate: float) -> str:
    load = load_average()
    seen = "" if load is None else f"; the load average is {load:.1f} on {num_cores()} cores"
    return (
        f"training computes {rate:.0f} target tokens/s, less than half of the {early_rate:.0f} at"
        f" the start{seen}. Other programs may need the machine"
    )
