"""The report of one run, or of several on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtcli.config.problems import dotted
from mtcli.reports.charts import Chart, drawing_script, histogram
from mtcli.reports.page import render, write_page
from mtcli.reports.run_curves import learning_curves
from mtcli.reports.run_facts import RunFacts, date_of, read_facts
from mtcli.runs.listing import differing_keys

_ENVIRONMENT = (
    ("mtcli", "mtcli"), ("python", "Python"), ("platform", "platform"), ("hostname", "host"),
    ("cpu", "processor"), ("num_cpus", "cores"), ("device", "device"),
    ("device_name", "device name"), ("precision", "precision"), ("num_processes", "processes"),
    ("num_threads", "threads of each"), ("parallel", "parallel"), ("git_revision", "git revision"),
    ("store", "tokenized pairs"),
)  # fmt: skip
"""Keys of environment.json that the page shows, and what it calls them."""


def write_report(paths: Sequence[Path], output: Path) -> None:
    """Write the report of some runs as one HTML file, which needs no network.

    Args:
        paths: the run folders, each once.
        output: the file.

    Raises:
        RunFolderError: a folder is not a run, or the file cannot be written.
        MtcliError: a library is missing.
    """
    runs = [read_facts(path, name) for path, name in zip(paths, _names(paths), strict=True)]
    write_page(output, report_page(runs, drawing_script()))


def report_page(runs: Sequence[RunFacts], script: str) -> str:
    """The page.

    Args:
        runs: at least one.
        script: what draws the charts.
    """
    curves = learning_curves({run.name: (run.steps, run.validations) for run in runs})
    lengths = [_lengths(run, number) for number, run in enumerate(runs)]
    values: dict[str, Any] = {
        "title": "Report of " + ", ".join(run.name for run in runs),
        "runs": runs,
        "curves": curves,
        "lengths": lengths,
        "environment": _ENVIRONMENT,
        "differences": _differences(runs),
        "date_of": date_of,
    }
    charts = curves + [chart for chart in lengths if chart is not None]
    return render("report.html", values, charts, script)


def _names(paths: Sequence[Path]) -> list[str]:
    """The names of the folders; where two are alike, their paths."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _lengths(run: RunFacts, number: int) -> Chart | None:
    counts = run.length_counts
    if not counts:
        return None
    return histogram(
        f"lengths-{number}", "Training texts by length", counts, "pieces, end of sentence excluded"
    )


def _differences(runs: Sequence[RunFacts]) -> list[tuple[str, list[str]]]:
    """Keys of the configs that differ, with the value of each run."""
    keys = [dotted(key) for key in differing_keys([run.summary for run in runs])]
    return [(key, [run.value(key) for run in runs]) for key in keys]
