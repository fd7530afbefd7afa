"""The file of `mtcli eval --per-sentence`: a line of scores for each sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtcli.cli.scored_texts import write_texts

if TYPE_CHECKING:
    from mtcli.evaluation.measured import Texts
    from mtcli.evaluation.results import Results


def write_sentence_scores(path: Path, results: Results, texts: Texts) -> None:
    """Write JSON lines if the name of the file has `.jsonl`, else TSV with a header.

    Raises:
        DataError: the file cannot be written.
    """
    columns: dict[str, list[Any]] = {"line": list(range(1, len(texts.hypotheses) + 1))}
    if results.documents is not None:
        columns["document"] = list(results.documents)
    for name, measured in results.measured.items():
        columns[name] = measured.line_scores()
    for name, measured in results.baseline.items():
        columns[f"baseline_{name}"] = measured.line_scores()
    if ".jsonl" in path.suffixes:
        if texts.sources is not None:
            columns["source"] = list(texts.sources)
        columns["hypothesis"] = list(texts.hypotheses)
        columns["references"] = [list(lines) for lines in zip(*texts.references, strict=True)]
        rows = zip(*columns.values(), strict=True)
        lines = [
            json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows
        ]
    else:
        # no texts, in which a tab may be; `paste` puts them beside the scores
        rows = zip(*columns.values(), strict=True)
        lines = ["\t".join(columns), *("\t".join(map(_cell, row)) for row in rows)]
    write_texts(path, lines, "the scores of sentences")


def _cell(value: float | str) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value).replace("\t", " ")
