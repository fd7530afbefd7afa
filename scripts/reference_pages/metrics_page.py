"""metrics.md: the records of metrics.jsonl, from the docstrings of mtcli.runs.metrics."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from reference_pages.text import bullet, page, paragraph

ROOT = Path(__file__).resolve().parents[2]


def metrics_page() -> str:
    """The records of metrics.jsonl."""
    return page("Records of metrics.jsonl", _metrics_blocks())


def _metrics_blocks() -> Iterator[str]:
    source = (ROOT / "mtcli" / "runs" / "metrics.py").read_text(encoding="utf-8")
    records = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    yield paragraph(
        "A run appends one JSON object per line to `metrics.jsonl` in its"
        " [run folder](files.md#the-run-folder). `kind` says which of the two records a line is. A"
        " NaN or an infinity, which JSON does not know, is null."
    )
    yield '```bash\ngrep \'"kind": "validation"\' runs/demo/metrics.jsonl | tail -1\n```'
    for kind, name in (("step", "StepMetrics"), ("validation", "ValidationMetrics")):
        yield f"## kind: {kind}"
        record = records[name]
        yield paragraph(ast.get_docstring(record) or "")
        yield "\n".join(
            bullet(f"`{key}` ({kind_of}){': ' + doc if doc else ''}")
            for key, kind_of, doc in _fields(record)
        )


def _fields(record: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Name, type and docstring of each field."""
    for node, following in zip(record.body, [*record.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        is_doc = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        doc = str(following.value.value) if is_doc else ""  # type: ignore[union-attr]
        yield node.target.id, _json_type(ast.unparse(node.annotation)), " ".join(doc.split())


def _json_type(annotation: str) -> str:
    words = {"int": "integer", "float": "number", "str": "text", "bool": "true or false"}
    names = [words.get(name.strip(), "object") for name in annotation.split("|")]
    return " or ".join(
        "null" if "None" in n else w for n, w in zip(annotation.split("|"), names, strict=True)
    )
