"""Charts in the grammar of Vega-Lite, and the script that draws them in a page without a network.

vl-convert brings Vega, Vega-Lite and Vega-Embed as one script. A page draws them as SVG, in the
colours of its text, so they fit a light and a dark page, a phone and a printer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mtcli.errors import MtcliError

Spec = dict[str, Any]
"""A chart in Vega-Lite's JSON."""

_MOST_DOTS = 300
"""Points of a series that are drawn one by one, with what they stand for on hovering."""


@dataclass(frozen=True)
class Series:
    """One line of a chart."""

    run: str
    kind: str
    """What of the run, such as `training`."""
    columns: Mapping[str, Sequence[float]]
    """`value`, and what it can be drawn over: `step`, `tokens` and `hours`; all of one length."""


@dataclass(frozen=True)
class Chart:
    """A chart of a page."""

    name: str
    """Of its element."""
    title: str
    spec: Spec
    """Of Vega-Lite; without data if there are series."""
    series: Sequence[Series] = field(default_factory=list)
    """Lines that the page can draw over each of their columns."""


def line_chart(
    name: str, title: str, series: Sequence[Series], runs: Sequence[str], *, is_log: bool = False
) -> Chart:
    """Lines over updates, tokens or time: a colour for each run, a dash for each kind.

    Of one run, kinds have colours, too.

    Args:
        name: of its element in the page.
        title: for people.
        series: the lines; a run may have none.
        runs: all runs of the page, so that each has one colour in all charts.
        is_log: whether the scale is logarithmic.
    """
    kinds = list(dict.fromkeys(one.kind for one in series))
    has_dots = all(len(one.columns["value"]) <= _MOST_DOTS for one in series)
    encoding: Spec = {
        "x": {
            "field": "x",
            "type": "quantitative",
            "axis": {"tickCount": 6},
            "scale": {"zero": True, "nice": False},
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "title": None,
            "scale": {"type": "log", "nice": False} if is_log else {"zero": False},
        },
        "color": legend("run" if len(runs) > 1 else "kind", runs if len(runs) > 1 else kinds),
    }
    if len(kinds) > 1:
        encoding["strokeDash"] = legend("kind", kinds)
        if len(runs) > 1:  # no colour says which kind it is
            encoding["strokeDash"]["legend"]["symbolStrokeColor"] = "currentColor"
    if has_dots:
        fields = [("run", "run"), ("kind", "figure"), ("x", "at"), ("value", "value")]
        encoding["tooltip"] = [{"field": f, "title": name} for f, name in fields]
    mark: Spec = {"type": "line", "strokeWidth": 1.5}
    if has_dots:
        mark["point"] = {"size": 18, "filled": True}
    return Chart(name, title, sized({"mark": mark, "encoding": encoding}), series)


def histogram(
    name: str, title: str, counts: Mapping[str, Mapping[int, int]], x_title: str
) -> Chart:
    """How often each length comes, an area for each of some sides."""
    values = [
        {"side": side, "length": length, "count": count}
        for side, of_side in counts.items()
        for length, count in _gapless(of_side).items()
    ]
    encoding = {
        "x": {
            "field": "length",
            "type": "quantitative",
            "title": x_title,
            "axis": {"tickCount": 6},
        },
        "y": {"field": "count", "type": "quantitative", "title": None, "stack": None},
        "color": legend("side", list(counts)),
        "tooltip": [{"field": f} for f in ("side", "length", "count")],
    }
    mark = {"type": "area", "interpolate": "step", "opacity": 0.45, "line": True}
    return Chart(
        name, title, sized({"data": {"values": values}, "mark": mark, "encoding": encoding})
    )


def interval_chart(
    name: str,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    systems: Sequence[str],
    x_title: str,
    *,
    has_zero: bool = False,
) -> Chart:
    """Points with their intervals on a line for each label, a colour for each system.

    Args:
        name: of its element in the page.
        title: for people.
        rows: each with `label`, `system`, `value`, and `low` and `high`, None without an interval.
        systems: all systems of the page, so that each has one colour in all charts.
        x_title: what the value is.
        has_zero: whether a line marks 0.
    """
    labels = list(dict.fromkeys(row["label"] for row in rows))
    place: Spec = {
        "y": {
            "field": "label",
            "type": "nominal",
            "title": None,
            "sort": labels,
            "axis": {"labelLimit": 130},
        },
        "yOffset": {"field": "system", "type": "nominal", "sort": list(systems)},
        "color": _system_colours(rows, systems, "stroke"),
        "tooltip": [{"field": f} for f in ("label", "system", "value", "low", "high")],
    }
    value = {"type": "quantitative", "scale": {"zero": False}, "axis": {"tickCount": 6}}
    layers = [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {**place, "x": {**value, "field": "low"}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
            "encoding": {**place, "x": {**value, "field": "value", "title": x_title}},
        },
    ]
    if has_zero:
        mark = {"type": "rule", "color": "currentColor", "strokeDash": [4, 4], "opacity": 0.5}
        zero = {"data": {"values": [{}]}, "mark": mark, "encoding": {"x": {"datum": 0}}}
        layers.insert(0, zero)
    height = 60 + 26 * len(labels) * max(1, len({row["system"] for row in rows}))
    spec = {"data": {"values": list(rows)}, "layer": layers, "height": height}
    return Chart(name, title, sized(spec))


def bar_chart(
    name: str, title: str, rows: Sequence[Mapping[str, Any]], systems: Sequence[str], x_title: str
) -> Chart:
    """How many there are between two values, bars in a colour for each system.

    Args:
        name: of its element in the page.
        title: for people.
        rows: each with `system`, `from`, `to` and `count`.
        systems: all systems of the page, so that each has one colour in all charts.
        x_title: what the values are.
    """
    encoding = {
        "x": {
            "field": "from",
            "type": "quantitative",
            "bin": {"binned": True},
            "title": x_title,
            "axis": {"tickCount": 6},
        },
        "x2": {"field": "to"},
        "y": {"field": "count", "type": "quantitative", "title": None, "stack": None},
        "color": _system_colours(rows, systems, "square"),
        "tooltip": [{"field": f} for f in ("system", "from", "to", "count")],
    }
    mark = {"type": "bar", "opacity": 0.6}
    spec = {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}
    return Chart(name, title, sized(spec))


def _system_colours(rows: Sequence[Mapping[str, Any]], systems: Sequence[str], symbol: str) -> Spec:
    """The colours of systems, with a legend of those that the chart has if there are several."""
    found = [system for system in systems if any(row["system"] == system for row in rows)]
    colours = legend("system", systems)
    shown = {**colours["legend"], "symbolType": symbol, "values": found}
    return {**colours, "legend": shown if len(found) > 1 else None}


def _gapless(counts: Mapping[int, int]) -> dict[int, int]:
    """With a zero for each length in between that does not occur, so that an area falls to it."""
    if not counts:
        return {}
    return {n: counts.get(n, 0) for n in range(min(counts), max(counts) + 2)}


def legend(name: str, values: Sequence[str]) -> Spec:
    """A colour or a dash for each of some values, with a legend if there are several."""
    shown = {
        "orient": "top",
        "title": None,
        "labelLimit": 280,
        "columns": 2,
        "symbolType": "stroke",
    }
    return {
        "field": name,
        "type": "nominal",
        "scale": {"domain": list(values)},
        "legend": shown | {"symbolType": "stroke"} if len(values) > 1 else None,
    }


def sized(spec: Spec) -> Spec:
    """As wide as its place in the page, in the colours of the text."""
    return {
        "width": "container",
        "height": 220,
        "autosize": {"type": "fit", "contains": "padding"},
        **spec,
        "config": TEXT_COLOURS,
    }


def svg_of(spec: Spec) -> str:
    """A chart with its data as an SVG file.

    Raises:
        MtcliError: vl-convert is missing.
    """
    drawn: str = _vl_convert().vegalite_to_svg(spec)
    return drawn


def check_drawing() -> None:
    """See that charts can be drawn, before the work that they are about.

    Raises:
        MtcliError: vl-convert is missing.
    """
    _vl_convert()


def _text_colours() -> Spec:
    text = {"labelColor": "currentColor", "titleColor": "currentColor"}
    lines = dict.fromkeys(("gridColor", "domainColor", "tickColor"), "currentColor")
    faint = {"gridOpacity": 0.15, "domainOpacity": 0.4, "tickOpacity": 0.4}
    return {
        "background": None,
        "view": {"stroke": None},
        "axis": {**text, **lines, **faint, "labelOverlap": True},
        "legend": {**text, "symbolStrokeWidth": 2},
    }


TEXT_COLOURS = _text_colours()
"""A config of Vega that draws in the colours of the text of a page."""


@cache
def drawing_script() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, 0.9 MB, which sets `window.vegaEmbed`.

    Raises:
        MtcliError: vl-convert is missing.
    """
    vl_convert = _vl_convert()
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # a page ends a script at this, wherever it comes
    return script.replace("</script", "<\\/script")


def _vl_convert() -> Any:
    try:
        import vl_convert
    except ImportError:
        raise MtcliError(
            "plots need the library `vl-convert-python`, which is not installed",
            hint="install it with `pip install 'vl-convert-python>=1.7,<2'`",
        ) from None
    return vl_convert
