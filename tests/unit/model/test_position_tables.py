"""The tables of sinusoids that are added to embeddings, against their formulas."""

import math

import pytest

from mtcli.model.positions import fixed_table
from tests.support.models import tiny_model

COLUMNS, ROWS = 6, 9
FREQUENCIES = {
    "sinusoidal": [10_000 ** (-2 * k / COLUMNS) for k in range(3)],
    # the last frequency is 1 / 10,000
    "sinusoidal_fairseq": [1.0, 10_000**-0.5, 1 / 10_000],
    "sinusoidal_marian": [1.0, 10_000**-0.5, 1 / 10_000],
}
FIRST = {"sinusoidal": 0, "sinusoidal_fairseq": 2, "sinusoidal_marian": 0}


@pytest.mark.parametrize("positions", FREQUENCIES)
def test_sines_then_cosines(positions):
    model = tiny_model(d_model=COLUMNS, positions=positions, max_positions=ROWS)
    table = fixed_table(model.config)
    assert table.shape == (ROWS, COLUMNS)
    for row in range(ROWS):
        angles = [(row + FIRST[positions]) * frequency for frequency in FREQUENCIES[positions]]
        want = [*map(math.sin, angles), *map(math.cos, angles)]
        assert table[row].tolist() == pytest.approx(want, abs=1e-6)
