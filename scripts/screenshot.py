"""Draw what `mtcli train` shows on a terminal, from the records of a run, as an SVG.

    mtcli train configs/demo.yaml
    python scripts/screenshot.py runs/demo docs/live-display.svg --step 600

Log lines come from `train.log`, figures from `metrics.jsonl`, and the panel is that of
`mtcli.cli.live`, so that the picture shows a real run as its user saw it.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich._export_format import CONSOLE_SVG_FORMAT  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402

from mtcli.cli.live_panel import LiveObserver  # noqa: E402
from mtcli.runs.metrics import StepMetrics, ValidationMetrics  # noqa: E402

WIDTH = 106
_TIME = re.compile(r"^\d{4}-\d\d-\d\d[ T][\d:,.]+\S*\s+(?:[A-Z]+\s+)?")

_Record = TypeVar("_Record", StepMetrics, ValidationMetrics)


def main() -> None:
    """Read the run, draw the display."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("output", type=Path, help="SVG to write")
    parser.add_argument("--step", type=int, required=True, help="show the display at this step")
    parser.add_argument("--log-lines", type=int, default=3, help="validations above the panel")
    args = parser.parse_args()
    records = [json.loads(line) for line in (args.run / "metrics.jsonl").open(encoding="utf-8")]
    steps = _up_to(args.step, records, "step", StepMetrics)
    validations = _up_to(args.step, records, "validation", ValidationMetrics)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ mtcli train configs/demo.yaml", style="bold"))
    for line in _log_lines(args.run / "train.log", validations, args.log_lines):
        console.print(Text(line, overflow="ellipsis", no_wrap=True), highlight=False)
    observer = LiveObserver(console)
    observer.reported(steps[-1])
    observer.validated(validations[-1])
    observer.stepped(args.step, steps[-1].total_steps)
    console.print(observer)
    # without the fonts that rich fetches from elsewhere
    template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    args.output.write_text(console.export_svg(title="mtcli train", code_format=template))


def _up_to(
    step: int, records: list[dict[str, Any]], kind: str, record: type[_Record]
) -> list[_Record]:
    names = {field.name for field in fields(record)}
    return [
        record(**{name: value for name, value in found.items() if name in names})
        for found in records
        if found["kind"] == kind and found["step"] <= step
    ]


def _log_lines(log: Path, validations: list[ValidationMetrics], number: int) -> list[str]:
    """What was logged above the panel: the last validations before the step."""
    wanted = tuple(f"validation at step {v.step}:" for v in validations[-number:])
    lines = (_TIME.sub("", line) for line in log.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if any(text in line for text in wanted)]


if __name__ == "__main__":
    main()
