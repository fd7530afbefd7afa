import math
import random

import pytest

from mtcli.reports.thinning import MOST_POINTS, thinned


@pytest.mark.parametrize("size", [0, 1, 3, 999, 1000, 1001, 1500, 10_000, 123_457])
def test_a_series_has_at_most_a_thousand_points_and_keeps_its_extremes(size):
    generator = random.Random(size)
    values = [generator.gauss(0, 1) for _ in range(size)]
    places = thinned(values)
    assert places == sorted(set(places))
    assert len(places) == size if size <= MOST_POINTS else 500 < len(places) <= MOST_POINTS
    if values:
        assert {0, size - 1, values.index(min(values)), values.index(max(values))} <= set(places)


def test_a_single_spike_stays_wherever_it_is():
    for place in range(0, 5000, 97):
        values = [1.0] * 5000
        values[place] = 7.0
        assert place in thinned(values, 20)


def test_what_is_no_number_is_not_shown():
    assert thinned([1.0, math.nan, None, math.inf, 2.0]) == [0, 4]
    many = [math.nan if n % 2 else float(n) for n in range(5000)]
    assert all(n % 2 == 0 for n in thinned(many))
    assert thinned([math.nan]) == []
