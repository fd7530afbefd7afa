"""What heat maps hold; tests/browser looks at how they are drawn."""

import base64
import zlib

import numpy as np
import pytest

from mtcli.reports.heat_maps import (
    MOST_LABELS,
    Axis,
    packed_maps,
    shared_cells,
    shared_labels,
    signed_map,
    weight_map,
)
from tests.support.explained import made_explanation

ROWS, COLUMNS = Axis("row", ["a", "<b>", "a"]), Axis("column", ["x", "x"])


def unpacked(packed, group):
    levels = zlib.decompress(base64.b64decode(packed.data[group]))
    return np.frombuffer(levels, np.uint8).reshape(packed.shapes[group]) / packed.num_levels


def groups_of(explanation):
    return [
        [head.weights for heads in stack.layers for head in heads] for stack in explanation.stacks
    ]


def test_packed_maps_are_the_weights_in_their_order():
    groups = groups_of(made_explanation(9))
    packed = packed_maps(groups)
    assert packed.num_levels == 255
    for number, maps in enumerate(groups):
        np.testing.assert_allclose(unpacked(packed, number), np.array(maps), atol=0.5 / 255)


def test_maps_are_packed_as_finely_as_fits():
    groups = groups_of(made_explanation(55, layers=1, heads=1, sharpness=2.0))
    details, most_bytes = [], 1_000_000
    while most_bytes > 0:
        packed = packed_maps(groups, most_bytes)
        details.append((packed.num_levels, packed.most_labels))
        for number, maps in enumerate(groups):
            cells = np.array([shared_cells(values, packed.most_labels) for values in maps])
            atol = 0.5 / packed.num_levels
            np.testing.assert_allclose(unpacked(packed, number), cells, atol=atol)
        size = sum(map(len, packed.data))
        if size > most_bytes:
            break
        most_bytes = size - 1  # a byte less than what this takes
    assert details[:5] == [(255, 120), (100, 120), (100, 80), (50, 60), (20, 40)]
    assert details[5:] == [(20, 40)]  # the coarsest is taken if nothing fits


def test_neighbours_in_a_long_text_share_a_cell_that_shows_the_strongest():
    values = np.arange(2 * MOST_LABELS * 3, dtype=float).reshape(2 * MOST_LABELS, 3)
    values[:, 0] *= -1
    cells = shared_cells(values)
    assert cells.shape == (MOST_LABELS, 3)
    np.testing.assert_array_equal(cells, values[1::2])
    labels = [str(n) for n in range(MOST_LABELS + 1)]
    assert shared_labels(labels)[:2] == ["0 …", "2 …"]
    assert shared_labels(labels[:-1]) == labels[:-1]


@pytest.mark.parametrize("make", [weight_map, signed_map])
def test_a_map_has_its_values_row_by_row(make):
    spec = make("name", "title", ROWS, COLUMNS, [[0.5, -0.25], [0, 1], [0.12345, 0]]).spec
    grid = spec["data"][0]["values"][0]["grid"]
    assert grid == {"width": 2, "height": 3, "values": [0.5, -0.25, 0, 1, 0.123, 0]}


@pytest.mark.parametrize("make", [weight_map, signed_map])
@pytest.mark.parametrize("rows", [ROWS, Axis("row", [])])
def test_vega_accepts_a_map(make, rows):
    vl_convert = pytest.importorskip("vl_convert")
    # vl-convert has no canvas to make the picture: all but that is drawn
    svg = vl_convert.vega_to_svg(make("name", "title", rows, COLUMNS, []).spec)
    assert svg.count(">x</text>") == 2
    assert svg.count(">a</text>") == (2 if rows.labels else 0)
    assert svg.count(">&lt;b&gt;</text>") == (1 if rows.labels else 0)


def test_the_strongest_colour_of_signed_values_is_the_largest_of_either_sign():
    spec = signed_map("name", "title", ROWS, COLUMNS, [[0.5, -2], [0, 1], [0, 0]]).spec
    (colour,) = (scale for scale in spec["scales"] if scale["name"] == "colour")
    assert (colour["domain"][0], colour["domain"][-1]) == (-2, 2)
    nothing = signed_map("name", "title", ROWS, COLUMNS, [[0, 0]] * 3).spec
    assert nothing["scales"][-1]["domain"][-1] == 1
