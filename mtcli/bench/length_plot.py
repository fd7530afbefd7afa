"""Draw how the cost of configs grows with the length of the source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtcli.errors import RunFolderError
from mtcli.folders import write_text_atomically
from mtcli.reports.charts import Spec, check_drawing, svg_of

_MIB = 2**20
_PANELS = (
    ("encode", "encode_s", "encoding, seconds a sentence", 1.0),
    ("train_step", "train_step_s", "training step, seconds a sentence", 1.0),
    ("peak", "peak_bytes", "memory of training, MiB a sentence", 1.0 / _MIB),
)
"""Name in `exponents`, figure, title and factor of each panel."""


def check_plot(path: Path) -> None:
    """See that a plot can be drawn and written, before anything is measured.

    Raises:
        RunFolderError: it cannot be written.
        MtcliError: a library is missing.
    """
    if path.is_dir():
        raise RunFolderError(f"{path} is a folder", hint="give the name of a file, ending in .svg")
    if not path.parent.is_dir():
        raise RunFolderError(f"{path} cannot be written: the folder {path.parent} does not exist")
    check_drawing()


def write_plot(configs: Sequence[dict[str, Any]], path: Path) -> None:
    """Write an SVG file with a panel for encoding, for a training step and for memory.

    Both scales of a panel are logarithmic, so that a power of the length is a straight line.

    Args:
        configs: what `bench_lengths` reports of each.
        path: the file; an old one is replaced.

    Raises:
        RunFolderError: it cannot be written.
        MtcliError: a library is missing.
    """
    write_text_atomically(path, svg_of(_spec(configs)))


def _spec(configs: Sequence[dict[str, Any]]) -> Spec:
    lengths = sorted({row["length"] for config in configs for row in config["lengths"]})
    x: Spec = {
        "field": "length",
        "type": "quantitative",
        "title": "source pieces",
        "scale": {"type": "log", "domain": [lengths[0], lengths[-1]], "nice": False},
        "axis": {"values": lengths, "format": ",d", "labelOverlap": True},
    }
    panels = []
    for name, figure, title, factor in _PANELS:
        labels = [_label(config, name) for config in configs]
        values = [
            {"config": label, "length": row["length"], "value": factor * row[figure]}
            for label, config in zip(labels, configs, strict=True)
            for row in config["lengths"]
            if row[figure] > 0  # a logarithm has no other place
        ]
        y = {"field": "value", "type": "quantitative", "title": None, "scale": {"type": "log"}}
        legend = {"orient": "bottom", "title": None, "columns": 1, "labelLimit": 0}
        color = {"field": "config", "type": "nominal", "scale": {"domain": labels}}
        panels.append(
            {
                "title": title,
                "width": 250,
                "height": 220,
                "data": {"values": values},
                "mark": {"type": "line", "point": True},
                "encoding": {"x": x, "y": y, "color": color | {"legend": legend}},
            }
        )
    return {
        "background": "white",
        "hconcat": panels,
        "resolve": {"scale": {"color": "independent"}},
    }


def _label(config: dict[str, Any], name: str) -> str:
    """What a line stands for, and the power of the length that it grows with."""
    label = config["label"] or "config"
    power = config["exponents"].get(name)
    return label if power is None else f"{label}: power {power:.2f}"
