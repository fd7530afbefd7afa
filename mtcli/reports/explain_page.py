"""The page that explains translations: confidence, contributions, alignment, attention."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtcli.reports.charts import Chart, Spec, drawing_script, legend, sized
from mtcli.reports.explanation import AttentionStack, Explanation
from mtcli.reports.heat_maps import (
    Axis,
    Matrix,
    num_shared,
    packed_maps,
    shared_cells,
    shared_labels,
    signed_map,
    small_map,
    weight_map,
)
from mtcli.reports.page import check_page, render, write_page

STACK_TITLES = {
    "encoder": "encoder self-attention",
    "decoder": "decoder self-attention",
    "cross": "cross-attention",
}
_AXIS_TITLES = {
    "encoder": {"row": "source piece", "column": "source piece that it looks at"},
    "decoder": {"row": "output piece that is written", "column": "output before it"},
    "cross": {"row": "output piece that is written", "column": "source piece"},
}


def check_explanation_page(output: Path) -> None:
    """See that the page can be made and written, before anything is translated.

    Raises:
        RunFolderError: the file cannot be written.
        MtcliError: a library is missing.
    """
    check_page(output)
    drawing_script()


def write_explanations(
    explanations: Sequence[Explanation], output: Path, *, model_name: str
) -> None:
    """Write explanations as one HTML file, which needs no network.

    Raises:
        RunFolderError: the file cannot be written.
        MtcliError: a library is missing.
    """
    page = render_explanations(explanations, model_name=model_name, script=drawing_script())
    write_page(output, page)


def render_explanations(
    explanations: Sequence[Explanation], *, model_name: str, script: str
) -> str:
    """The page.

    Args:
        explanations: a section for each.
        model_name: what made the translations, for people.
        script: what draws the charts, from `drawing_script`.
    """
    charts = [list(_charts(number, one)) for number, one in enumerate(explanations)]
    values: dict[str, Any] = {
        "title": f"Explanation of translations by {model_name}",
        "model_name": model_name,
        "explanations": explanations,
        "charts_of": [{chart.name.split("-")[0]: chart for chart in of_one} for of_one in charts],
        "stack_titles": STACK_TITLES,
        "mean_probability": _mean_probability,
        "attention": {
            "small": small_map(),
            "sentences": [_packed_attention(explanation) for explanation in explanations],
        },
    }
    return render("explain.html", values, [chart for one in charts for chart in one], script)


def _charts(number: int, explanation: Explanation) -> Iterator[Chart]:
    """The charts of a sentence; the page fills in its maps of attention."""
    pieces = [output.piece for output in explanation.output_pieces]
    source, target = (
        [word.text for word in words]
        for words in (explanation.source_words, explanation.target_words)
    )
    if source:
        yield signed_map(
            f"contributions-{number}",
            "What each source word contributed to each output piece",
            Axis("output piece", shared_labels(pieces)),
            Axis("source word", shared_labels(source)),
            shared_cells(explanation.contributions),
        )
    if source and target:
        links = [[0.0] * len(source) for _ in target]
        for source_word, target_word in explanation.alignment:
            links[target_word][source_word] = 1.0
        yield weight_map(
            f"alignment-{number}",
            "Words that are aligned",
            Axis("word of the translation", shared_labels(target)),
            Axis("source word", shared_labels(source)),
            shared_cells(links),
            has_shades=False,
        )
    yield weight_map(f"attention-{number}", "Attention", Axis("", ()), Axis("", ()), ())
    rows = list(_head_rows(explanation))
    if any(row["importance"] is not None for row in rows):
        yield _head_chart(f"heads-{number}", rows)


def _head_rows(explanation: Explanation) -> Iterator[Mapping[str, Any]]:
    for stack in explanation.stacks:
        for layer, heads in enumerate(stack.layers):
            for number, head in enumerate(heads):
                yield {
                    "kind": STACK_TITLES[stack.kind],
                    "layer": layer,
                    "head": number,
                    "entropy": head.entropy,
                    "importance": head.importance,
                }


def _head_chart(name: str, rows: Sequence[Mapping[str, Any]]) -> Chart:
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    colours = legend("kind", kinds)
    if colours["legend"]:
        del colours["legend"]["symbolType"]  # the shape says it
    fields = ("kind", "layer", "head", "entropy", "importance")
    encoding: Spec = {
        "x": {
            "field": "entropy",
            "type": "quantitative",
            "title": "entropy, in nats",
            "axis": {"tickCount": 6},
        },
        "y": {
            "field": "importance",
            "type": "quantitative",
            "title": "importance, in nats",
            "axis": {"tickCount": 6},
        },
        "color": colours,
        "shape": colours,
        "tooltip": [{"field": field} for field in fields],
    }
    mark = {"type": "point", "size": 45, "strokeWidth": 1.5, "opacity": 1}
    values = [
        {**row, **{name: round(row[name], 5) for name in ("entropy", "importance")}}
        for row in rows
        if row["importance"] is not None
    ]
    spec = sized({"data": {"values": values}, "mark": mark, "encoding": encoding})
    return Chart(name, "Entropy and importance of every head", spec)


def _packed_attention(explanation: Explanation) -> list[dict[str, Any]]:
    """What the page needs to draw every map of every stack."""
    pieces = [output.piece for output in explanation.output_pieces]
    packed = packed_maps([_heads_of(stack) for stack in explanation.stacks])
    found = []
    for stack, data, shape in zip(explanation.stacks, packed.data, packed.shapes, strict=True):
        queries = explanation.source_pieces if stack.kind == "encoder" else pieces
        keys = explanation.decoder_keys if stack.kind == "decoder" else explanation.source_pieces
        entropy = [[round(head.entropy, 3) for head in heads] for heads in stack.layers]
        importance = [
            [None if head.importance is None else round(head.importance, 4) for head in heads]
            for heads in stack.layers
        ]
        found.append(
            {
                "title": STACK_TITLES[stack.kind],
                "axis_titles": _AXIS_TITLES[stack.kind],
                "rows": shared_labels(queries, packed.most_labels),
                "columns": shared_labels(keys, packed.most_labels),
                "num_shared": [
                    num_shared(len(pieces), packed.most_labels) for pieces in (queries, keys)
                ],
                "entropy": entropy,
                "importance": importance,
                "num_levels": packed.num_levels,
                "shape": shape,
                "data": data,
            }
        )
    return found


def _heads_of(stack: AttentionStack) -> list[Matrix]:
    return [head.weights for heads in stack.layers for head in heads]


def _mean_probability(explanation: Explanation) -> float:
    """The geometric mean of the probabilities of the output pieces."""
    logs = [math.log(max(output.probability, 1e-30)) for output in explanation.output_pieces]
    return math.exp(sum(logs) / max(1, len(logs)))
