"""Thin a series for a plot, such that its extremes stay."""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST_POINTS = 1000
"""Points of a series in a plot: more than a screen has columns for it."""


def thinned(values: Sequence[float | None], most: int = MOST_POINTS) -> list[int]:
    """The places of the values to show, in ascending order.

    The series is divided into groups of neighbours. The lowest and the highest of each group stay,
    and the first and the last value of the series.

    Args:
        values: a series; what is None, NaN or infinite is not shown.
        most: number of places, at least 4.
    """
    places = [n for n, value in enumerate(values) if value is not None and math.isfinite(value)]
    if len(places) <= most:
        return places
    num_groups = (most - 2) // 2
    kept = {places[0], places[-1]}
    for group in range(num_groups):
        start, end = (n * len(places) // num_groups for n in (group, group + 1))
        members = places[start:end]
        kept.add(min(members, key=lambda n: values[n] or 0.0))
        kept.add(max(members, key=lambda n: values[n] or 0.0))
    return sorted(kept)
