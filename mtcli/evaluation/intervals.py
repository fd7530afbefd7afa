"""95 % intervals of scores by bootstrap, equal to those of sacreBLEU's command.

Legend of shapes: N lines, C counts, R resamples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mtcli.evaluation.measured import Measured

NUM_RESAMPLES = 1000
SEED = 12345
"""sacreBLEU's, so that intervals are comparable."""

_MOST_CELLS = 4_000_000
"""Lines times resamples that are drawn at once: 64 MB."""


@dataclass(frozen=True)
class Interval:
    """Where 95 % of the scores, or differences of scores, of resampled texts are."""

    low: float
    high: float


def interval(
    measured: Measured, *, num_resamples: int = NUM_RESAMPLES, seed: int = SEED
) -> Interval:
    """The interval that sacreBLEU prints as `mean ± half its width`, within the metric's bounds.

    The lines are drawn with replacement, as many as there are, and the score of what was drawn is
    computed; and that many times.

    Source: Efron 1979; Koehn 2004.

    Args:
        measured: the text.
        num_resamples: how often lines are drawn; at least 1.
        seed: of the draws.
    """
    import numpy as np

    scores_R = resampled_scores(measured, num_resamples, seed)
    half = half_width(scores_R)
    mean = float(np.mean(scores_R, dtype=np.float64))
    low, high = mean - half, mean + half
    return Interval(
        low if measured.lowest is None else max(low, measured.lowest),
        high if measured.highest is None else min(high, measured.highest),
    )


def difference_interval(
    measured: Measured,
    baseline: Measured,
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """The 95 % interval of how much higher a score is than another on the same lines.

    Both are scored on the same resamples, so that what makes a line hard for both cancels out.

    Source: Koehn 2004 (paired bootstrap, percentiles).
    """
    import numpy as np

    differences_R = np.sort(
        resampled_scores(measured, num_resamples, seed)
        - resampled_scores(baseline, num_resamples, seed)
    )
    first = num_resamples // 40
    return Interval(float(differences_R[first]), float(differences_R[-first - 1]))


def half_width(scores_R: NDArray[Any]) -> float:
    """Half of the range of the scores, a fortieth of them left out at either end."""
    import numpy as np

    ordered_R = np.sort(scores_R)
    first = len(ordered_R) // 40
    return 0.5 * float(ordered_R[len(ordered_R) - first - 1] - ordered_R[first])


def resampled_scores(measured: Measured, num_resamples: int, seed: int) -> NDArray[Any]:
    """The score of each resample, in sacreBLEU's order and precision."""
    import numpy as np

    sums = resampled_sums(measured.counts_NC, num_resamples, seed)
    # sacreBLEU computes with float32 here, and a difference in the last digit decides whether a
    # resample counts as more extreme in a test of significance
    return np.array(
        [measured.score_of(row) for sums_RC in sums for row in sums_RC.astype(np.float32)]
    )


def resampled_sums(
    counts_NC: NDArray[np.float64], num_resamples: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Summed counts of resamples, some rows at a time.

    The draws are the same however many rows are drawn at once, and those of sacreBLEU.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    num_lines = len(counts_NC)
    at_once = max(1, _MOST_CELLS // num_lines)
    for start in range(0, num_resamples, at_once):
        rows = min(at_once, num_resamples - start)
        drawn_RN = rng.choice(num_lines, size=(rows, num_lines), replace=True)
        # how often each line was drawn: sums of counts become one product of matrices
        drawn_RN += num_lines * np.arange(rows)[:, None]
        times_RN = np.bincount(drawn_RN.ravel(), minlength=rows * num_lines)
        yield times_RN.reshape(rows, num_lines).astype(np.float64) @ counts_NC
