"""Pictures of attention for papers: a heat map as SVG or PNG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mtcli.config.schema.architecture import ModelConfig
from mtcli.errors import ConfigError, RunFolderError
from mtcli.folders import why_refused, write_bytes_atomically
from mtcli.reports.charts import Spec, check_drawing, svg_of
from mtcli.reports.explanation import STACK_KINDS, Explanation, Matrix, StackKind

_CELL, _FONT_SIZE = 18, 11
"""Pixels."""
_SCALE = 3
"""Pixels of a PNG for each of an SVG: enough for print."""

_AXES = {
    "encoder": ("source piece", "source piece that it looks at"),
    "decoder": ("output piece", "piece before it that it looks at"),
    "cross": ("output piece", "source piece that it looks at"),
}
"""What rows and columns are."""


@dataclass(frozen=True)
class AttentionPicture:
    """Which attention is drawn; layers and heads are counted from 0."""

    stack: str
    """One of `STACK_KINDS`."""
    layer: int | None = None
    """None: the layer that aligns words; in encoder and decoder the last."""
    head: int | None = None
    """None: the mean of the heads that align words; elsewhere of all."""

    def check(self, architecture: ModelConfig) -> None:
        """See that a model has this layer and head.

        Raises:
            ConfigError: it has not.
        """
        is_encoder = self.stack == "encoder"
        shape = architecture.encoder_shape if is_encoder else architecture.decoder_shape
        where = "encoder" if is_encoder else "decoder"
        for option, value, number, noun in (
            ("--layer", self.layer, shape.num_layers, f"{where} layers"),
            ("--head", self.head, shape.num_heads, f"{where} heads"),
        ):
            if value is not None and value >= number:
                raise ConfigError(
                    f"`{option}` must be between 0 and {number - 1}, because the model has"
                    f" {number} {noun}; found {value}"
                )

    def of(self, explanation: Explanation) -> Matrix:
        """The weights: a row for each query, a column for each key."""
        layers = explanation.stacks[STACK_KINDS.index(cast("StackKind", self.stack))].layers
        is_default = self.stack == "cross" and self.layer in (None, explanation.alignment_layer)
        if self.layer is not None:
            layer = self.layer
        else:
            layer = explanation.alignment_layer if is_default else len(layers) - 1
        heads: Sequence[int] = range(len(layers[layer]))
        if self.head is not None:
            heads = [self.head]
        elif is_default and explanation.alignment_heads is not None:
            heads = explanation.alignment_heads
        chosen = [layers[layer][head].weights for head in heads]
        return [
            [sum(cells) / len(chosen) for cells in zip(*rows, strict=True)]
            for rows in zip(*chosen, strict=True)
        ]


def check_pictures(path: Path, kind: str, number: int) -> None:
    """See that pictures can be made and written, before anything is translated.

    Args:
        path: a file whose name ends in the kind, or a folder, which is made if it is missing.
        kind: `svg` or `png`.
        number: how many there will be.

    Raises:
        ConfigError: one file is to hold several pictures.
        RunFolderError: it cannot be written.
        MtcliError: a library is missing.
    """
    check_drawing()
    if _is_file(path, kind):
        if number > 1:
            raise ConfigError(
                f"`--{kind} {path}` is one file, but there are {number} lines to draw",
                hint=f"give a folder, such as `--{kind} {path.with_suffix('')}`",
            )
    elif path.exists() and not path.is_dir():
        raise RunFolderError(
            f"{path} is neither a folder nor a file that ends in .{kind}",
            hint=f"give for example `--{kind} attention.{kind}`",
        )
    if not path.parent.is_dir():
        raise RunFolderError(f"{path} cannot be written: the folder {path.parent} does not exist")


def write_pictures(
    explanations: Sequence[Explanation], picture: AttentionPicture, path: Path, kind: str
) -> Iterator[Path]:
    """Write a picture of each explanation, and say where.

    A folder gets `1.svg`, `2.svg` and so on, by the number of the line, with leading zeros.

    Raises:
        RunFolderError: one cannot be written.
    """
    paths = [path]
    if not _is_file(path, kind):
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be written: {why_refused(path, error)}") from error
        width = len(str(len(explanations)))
        paths = [path / f"{n:0{width}}.{kind}" for n in range(1, len(explanations) + 1)]
    for explanation, file in zip(explanations, paths, strict=True):
        write_bytes_atomically(file, _drawn(attention_spec(explanation, picture), kind))
        yield file


def _drawn(spec: Spec, kind: str) -> bytes:
    if kind == "svg":
        return svg_of(spec).encode("utf-8")
    check_drawing()
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, scale=_SCALE))


def attention_spec(explanation: Explanation, picture: AttentionPicture) -> Spec:
    """The chart: a rectangle for each query and key, the darker the larger its weight."""
    output = [piece.piece for piece in explanation.output_pieces]
    rows, columns = {
        "encoder": (explanation.source_pieces, explanation.source_pieces),
        "decoder": (output, explanation.decoder_keys),
        "cross": (output, explanation.source_pieces),
    }[picture.stack]
    row_title, column_title = _AXES[picture.stack]
    values = [
        {"row": row, "column": column, "weight": float(f"{weight:.4g}")}
        for row, weights in enumerate(picture.of(explanation))
        for column, weight in enumerate(weights)
    ]
    scale = {"domain": [0, 1], "range": ["#ffffff", "#08306b"]}
    return {
        "data": {"values": values},
        "mark": "rect",
        "width": _CELL * len(columns),
        "height": _CELL * len(rows),
        "background": "white",
        "encoding": {
            "x": _axis("column", columns, column_title, {"orient": "top", "labelAngle": -90}),
            "y": _axis("row", rows, row_title, {}),
            "color": {
                "field": "weight",
                "type": "quantitative",
                "title": "attention",
                "scale": scale,
            },
        },
        "config": {"view": {"stroke": "#cccccc"}},
    }


def _axis(field: str, labels: Sequence[str], title: str, more: dict[str, Any]) -> Spec:
    """An axis by place, because a piece may come twice."""
    names = "[" + ", ".join(map(_quoted, labels)) + "]"
    axis = {
        "labelExpr": f"{names}[datum.value]",
        "ticks": False,
        "domain": False,
        "labelFontSize": _FONT_SIZE,
        "labelLimit": 200,
        **more,
    }
    return {"field": field, "type": "ordinal", "title": title, "axis": axis}


def _quoted(text: str) -> str:
    """A string of Vega's expression language."""
    escaped = "".join(f"\\u{ord(c):04x}" if c in "\"'\\" or ord(c) < 32 else c for c in text)
    return f"'{escaped}'"


def _is_file(path: Path, kind: str) -> bool:
    return path.suffix.lower() == f".{kind}" and not path.is_dir()
