"""Heat maps in the grammar of Vega: a matrix as one picture of as many pixels as it has cells.

A picture keeps a page light and quick: a rectangle for each cell would be thousands of elements.
Vega makes it in the page, by its transform `heatmap`. Colours fade to nothing, so they fit a light
and a dark page.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtcli.reports.charts import TEXT_COLOURS, Chart, Spec

Matrix = Sequence[Sequence[float]]

MOST_LABELS = 120
"""Rows and columns of a map. Of longer texts, neighbours share a cell."""
MOST_BYTES = 350_000
"""Of all maps of attention of a sentence."""
_DETAILS = ((255, MOST_LABELS), (100, MOST_LABELS), (100, 80), (50, 60), (20, 40))
"""Levels of a weight, and rows and columns of a map, from the finest to the coarsest."""

_CELL = 17
"""Height and width of a cell in pixels."""
_STRONG, _NEGATIVE = "rgb(58,130,214)", "rgb(217,115,13)"
_FAINT, _FAINT_NEGATIVE = "rgba(58,130,214,0)", "rgba(217,115,13,0)"


@dataclass(frozen=True)
class Axis:
    """Rows or columns of a heat map."""

    title: str
    labels: Sequence[str]


def weight_map(
    name: str,
    title: str,
    rows: Axis,
    columns: Axis,
    values: Matrix,
    *,
    has_shades: bool = True,
) -> Chart:
    """Weights from 0 to 1.

    The colour grows with the root of a weight, so that small ones can be seen, and it means the
    same in every map.

    Args:
        name: of its element in the page.
        title: for people.
        rows: from the top.
        columns: from the left.
        values: a row for each label of `rows`; none if the page fills them in.
        has_shades: whether there are weights other than 0 and 1, which need a legend.
    """
    scale: Spec = {"type": "sqrt", "domain": [0, 1], "range": [_FAINT, _STRONG]}
    shades = {"color": _STRONG, "opacity": {"expr": "sqrt(datum.$value)"}}
    legend = {"format": ".0%", "values": [0, 0.05, 0.25, 0.5, 1]} if has_shades else None
    return _heat_map(name, title, (rows, columns), values, (scale, legend, shades))


def signed_map(name: str, title: str, rows: Axis, columns: Axis, values: Matrix) -> Chart:
    """Values of both signs, in two colours, the strongest at the largest value of either sign.

    Args:
        name: of its element in the page.
        title: for people.
        rows: from the top.
        columns: from the left.
        values: a row for each label of `rows`.
    """
    bound = max((abs(value) for row in values for value in row), default=0.0) or 1.0
    bound = float(f"{bound:.3g}")
    # two shades of nothing, so that no colour is mixed from both
    scale: Spec = {
        "type": "linear",
        "domain": [-bound, -bound * 1e-9, bound * 1e-9, bound],
        "range": [_NEGATIVE, _FAINT_NEGATIVE, _FAINT, _STRONG],
    }
    shades = {
        "color": {"expr": f"datum.$value < 0 ? '{_NEGATIVE}' : '{_STRONG}'"},
        "opacity": {"expr": f"min(1, abs(datum.$value) / {bound!r})"},
    }
    legend = {"format": "+.2~r", "values": [-bound, 0, bound]}
    return _heat_map(name, title, (rows, columns), values, (scale, legend, shades))


def _heat_map(
    name: str,
    title: str,
    axes: tuple[Axis, Axis],
    values: Matrix,
    colours: tuple[Spec, Spec | None, Spec],
) -> Chart:
    """A map with its axes; `colours` are its scale, what its legend shows, and its shades.

    The signal `cell` is the row and the column under the pointer, or null.
    """
    rows, columns = axes
    scale, legend, shades = colours
    grid = {"width": len(columns.labels), "height": len(rows.labels), "values": _flat(values)}
    spec: Spec = {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "padding": 4,
        "signals": [
            {"name": "rows", "value": list(rows.labels)},
            {"name": "columns", "value": list(columns.labels)},
            {"name": "size", "value": _CELL},
            {"name": "width", "update": "size * length(columns)"},
            {"name": "height", "update": "size * length(rows)"},
            {"name": "cell", "value": None, "on": _POINTING},
        ],
        "data": [
            {"name": "grids", "values": [{"grid": grid}] if grid["values"] else []},
            {"name": "cells", "values": [{}]},
        ],
        "scales": [
            _band("row", "rows", "height"),
            _band("column", "columns", "width"),
            {"name": "colour", "clamp": True, **scale},
        ],
        "axes": [_axis("row", rows.title, "left"), _axis("column", columns.title, "top")],
        "legends": [] if legend is None else [_LEGEND | legend],
        "marks": [_picture(shades), _FRAME],
        "config": TEXT_COLOURS,
    }
    return Chart(name, title, spec)


def small_map() -> Spec:
    """A map of weights without axes, as large as its place; the page fills in the grid."""
    shades = {"color": _STRONG, "opacity": {"expr": "sqrt(datum.$value)"}}
    return {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "padding": 0,
        "signals": [
            {"name": "rows", "value": []},
            {"name": "columns", "value": []},
            {"name": "size", "update": "120 / max(1, length(rows), length(columns))"},
            {"name": "width", "update": "size * length(columns)"},
            {"name": "height", "update": "size * length(rows)"},
        ],
        "data": [{"name": "grids", "values": []}],
        "marks": [_picture(shades)],
    }


_POINTING = [
    {
        "events": "@map:pointermove, @map:pointerdown",
        "update": "[clamp(floor(y() / size), 0, length(rows) - 1),"
        " clamp(floor(x() / size), 0, length(columns) - 1)]",
    },
    {"events": "@map:pointerout", "update": "null"},
]
_LEGEND: Spec = {
    "fill": "colour",
    "type": "gradient",
    "orient": "bottom",
    "direction": "horizontal",
    "gradientLength": 160,
    "gradientThickness": 10,
    "gradientStrokeColor": "currentColor",
    "gradientStrokeWidth": 0.3,
}
_FRAME: Spec = {
    "type": "rect",
    "from": {"data": "cells"},
    "interactive": False,
    "encode": {
        "update": {
            "x": {"signal": "cell ? cell[1] * size : 0"},
            "y": {"signal": "cell ? cell[0] * size : 0"},
            "width": {"signal": "size"},
            "height": {"signal": "size"},
            "stroke": {"value": "currentColor"},
            "strokeWidth": {"value": 2},
            "opacity": {"signal": "cell ? 1 : 0"},
        }
    },
}


def _picture(shades: Spec) -> Spec:
    place = {"x": {"value": 0}, "y": {"value": 0}}
    size = {side: {"signal": side} for side in ("width", "height")}
    sharp = {"aspect": {"value": False}, "smooth": {"value": False}}
    return {
        "type": "image",
        "name": "map",
        "from": {"data": "grids"},
        "encode": {"update": {**place, **size, **sharp}},
        "transform": [{"type": "heatmap", "field": "datum.grid", **shades}],
    }


def _band(name: str, labels: str, side: str) -> Spec:
    domain = {"signal": f"sequence(length({labels}))"}
    return {"name": name, "type": "band", "domain": domain, "range": [0, {"signal": side}]}


def _axis(name: str, title: str, orient: str) -> Spec:
    """Labels by their place, because two pieces of a sentence may be the same."""
    labels: Spec = {"text": {"signal": f"{name}s[datum.value]"}}
    turned = {"labelAngle": -90, "labelAlign": "left", "labelBaseline": "middle"}
    return {
        "scale": name,
        "orient": orient,
        "title": title,
        "ticks": False,
        "labelPadding": 4,
        "labelLimit": 110,
        "labelFontSize": 11,
        "encode": {"labels": {"update": labels}},
        **(turned if orient == "top" else {}),
    }


def _flat(values: Matrix) -> list[float]:
    """Row by row, with three digits, which are more than a colour shows."""
    return [float(f"{value:.3g}") for row in values for value in row]


def shared_labels(labels: Sequence[str], most: int = MOST_LABELS) -> list[str]:
    """Labels of the cells of a long text, where neighbours share one: the first of each."""
    size = num_shared(len(labels), most)
    return [
        labels[start] if size == 1 else f"{labels[start]} …"
        for start in range(0, len(labels), size)
    ]


def shared_cells(values: Matrix, most: int = MOST_LABELS) -> Any:
    """The matrix of a long text, as an array, where neighbours share a cell: the strongest of each.

    Args:
        values: R x C; may be of both signs.
        most: rows, and columns.
    """
    cells = np.asarray(values, dtype=np.float64)
    for axis in (0, 1):
        starts = np.arange(0, cells.shape[axis], num_shared(cells.shape[axis], most))
        if len(starts) < cells.shape[axis]:
            high = np.maximum.reduceat(cells, starts, axis=axis)
            low = np.minimum.reduceat(cells, starts, axis=axis)
            cells = np.where(high >= -low, high, low)
    return cells


def num_shared(num_labels: int, most: int = MOST_LABELS) -> int:
    """Neighbours that share a row or a column."""
    return max(1, -(-num_labels // most))


@dataclass(frozen=True)
class PackedMaps:
    """Maps of weights from 0 to 1 in little space."""

    data: Sequence[str]
    """Of each group of maps: a byte for each cell, map by map, row by row; deflated, in base64."""
    shapes: Sequence[tuple[int, int, int]]
    """Of each group: maps, rows, columns."""
    num_levels: int
    """The byte that stands for the weight 1."""
    most_labels: int
    """Rows and columns that a map may have, see `shared_labels`."""


def packed_maps(groups: Sequence[Sequence[Matrix]], most_bytes: int = MOST_BYTES) -> PackedMaps:
    """Pack the maps of a sentence, as finely as fits into some space.

    Args:
        groups: maps of one shape each.
        most_bytes: of the data. What the coarsest packing has is taken, even if it is more.
    """
    for num_levels, most_labels in _DETAILS:
        packed = [_packed(maps, num_levels, most_labels) for maps in groups]
        data = [text for text, _ in packed]
        if sum(map(len, data)) <= most_bytes:
            break
    return PackedMaps(data, [shape for _, shape in packed], num_levels, most_labels)


def _packed(
    maps: Sequence[Matrix], num_levels: int, most_labels: int
) -> tuple[str, tuple[int, int, int]]:
    cells = np.stack([shared_cells(values, most_labels) for values in maps])
    levels = np.rint(num_levels * np.clip(cells, 0, 1)).astype(np.uint8)
    data = base64.b64encode(zlib.compress(levels.tobytes(), 9)).decode("ascii")
    count, rows, columns = levels.shape
    return data, (count, rows, columns)
