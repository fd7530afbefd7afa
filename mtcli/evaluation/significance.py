"""Whether a difference of scores is more than chance, by the two tests of sacreBLEU.

Legend of shapes: N lines, C counts, R resamples or trials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtcli.config.metric_names import digits_of
from mtcli.evaluation.intervals import NUM_RESAMPLES, SEED, resampled_scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mtcli.evaluation.measured import Measured

NUM_TRIALS = 10_000
"""Of the approximate randomization: sacreBLEU's number."""
SIGNIFICANT_BELOW = 0.05
"""The p-value of a difference that is called significant."""

_MOST_CELLS = 4_000_000
"""Lines times trials that are drawn at once: 64 MB."""
_ROWS_OF_WHOLE_WORDS = 32
"""numpy draws booleans 32 at a time, and drops what is left of them after each call."""


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same lines, by one metric."""

    metric: str
    """As it is printed."""
    score: float
    baseline_score: float
    p_bootstrap: float
    """Of the paired bootstrap."""
    p_randomization: float
    """Of the approximate randomization, which decides what is significant."""
    is_error_rate: bool
    """Whether less is better."""

    @property
    def difference(self) -> float:
        """Above 0 if the score is higher, whether that is better or not."""
        return self.score - self.baseline_score

    @property
    def is_significant(self) -> bool:
        """Whether chance alone is an unlikely reason for the difference."""
        return self.difference != 0 and self.p_randomization < SIGNIFICANT_BELOW

    @property
    def is_worse(self) -> bool:
        """Whether the system is significantly worse than the baseline."""
        return self.is_significant and (self.difference > 0) == self.is_error_rate

    def in_words(self) -> str:
        """What the tests say, as a sentence without its full stop."""
        if self.difference == 0:
            return f"{self.metric} is that of the baseline"
        direction = "higher" if self.difference > 0 else "lower"
        better = "better" if (self.difference < 0) == self.is_error_rate else "worse"
        verdict = "significantly" if self.is_significant else "not significantly"
        digits = digits_of(self.metric)
        return (
            f"{self.metric} is {abs(self.difference):.{digits}f} {direction} than the baseline's"
            f" {self.baseline_score:.{digits}f}, which is {verdict} {better}: between equally good"
            f" systems, chance makes such a difference {frequency(self.p_randomization)}"
            f" (p = {self.p_randomization:.4f} by approximate randomization,"
            f" {self.p_bootstrap:.4f} by paired bootstrap)"
        )


def frequency(p_value: float) -> str:
    """How often something of this probability happens, in words."""
    if p_value >= 0.095:
        return f"in {round(p_value * 10)} of 10 test sets"
    if p_value >= 0.0095:
        return f"in {round(p_value * 100)} of 100 test sets"
    if p_value >= 0.00095:
        return f"in {round(p_value * 1000)} of 1,000 test sets"
    return "in fewer than 1 of 1,000 test sets"


def compare(
    measured: Measured,
    baseline: Measured,
    *,
    num_resamples: int = NUM_RESAMPLES,
    num_trials: int = NUM_TRIALS,
    seed: int = SEED,
) -> Comparison:
    """Test a system against a baseline on the same lines, two-sided.

    Source: Koehn 2004 (paired bootstrap); Riezler and Maxwell 2005 (approximate randomization).

    Args:
        measured: the system.
        baseline: what it is compared with, measured by the same metric.
        num_resamples: of the paired bootstrap.
        num_trials: of the approximate randomization.
        seed: of the draws.
    """
    return Comparison(
        metric=measured.metric,
        score=measured.score,
        baseline_score=baseline.score,
        p_bootstrap=paired_bootstrap(measured, baseline, num_resamples, seed),
        p_randomization=approximate_randomization(measured, baseline, num_trials, seed),
        is_error_rate=measured.is_error_rate,
    )


def paired_bootstrap(
    measured: Measured, baseline: Measured, num_resamples: int = NUM_RESAMPLES, seed: int = SEED
) -> float:
    """The p-value: how often resampled differences stray from their mean as far as the real one.

    Both systems are scored on the same resamples.
    """
    import numpy as np

    differences_R = np.abs(
        resampled_scores(measured, num_resamples, seed)
        - resampled_scores(baseline, num_resamples, seed)
    )
    return _p_value(differences_R - differences_R.mean(), _real_difference(measured, baseline))


def approximate_randomization(
    measured: Measured, baseline: Measured, num_trials: int = NUM_TRIALS, seed: int = SEED
) -> float:
    """The p-value: how often the difference is larger after lines were swapped at random."""
    import numpy as np

    differences = []
    counts_NC, of_baseline_NC = measured.counts_NC, baseline.counts_NC
    for swapped_RN in _swaps(len(counts_NC), num_trials, seed):
        kept_RN = 1.0 - swapped_RN
        first_RC = swapped_RN @ of_baseline_NC + kept_RN @ counts_NC
        second_RC = kept_RN @ of_baseline_NC + swapped_RN @ counts_NC
        for first, second in zip(first_RC.tolist(), second_RC.tolist(), strict=True):
            differences.append(abs(measured.score_of(first) - baseline.score_of(second)))
    return _p_value(np.array(differences), _real_difference(measured, baseline))


def _swaps(num_lines: int, num_trials: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Which lines are swapped, as 1 and 0: the same draws however many rows come at once."""
    import numpy as np

    rng = np.random.default_rng(seed)
    at_once = max(1, _MOST_CELLS // num_lines // _ROWS_OF_WHOLE_WORDS) * _ROWS_OF_WHOLE_WORDS
    for start in range(0, num_trials, at_once):
        rows = min(at_once, num_trials - start)
        yield rng.integers(2, size=(rows, num_lines), dtype=bool).astype(np.float64)


def _real_difference(measured: Measured, baseline: Measured) -> float:
    return abs(baseline.score - measured.score)


def _p_value(statistics_R: NDArray[Any], real_difference: float) -> float:
    """The share of statistics beyond the real one; 1 is added so that it is never 0."""
    return (int((statistics_R > real_difference).sum()) + 1) / (len(statistics_R) + 1)
