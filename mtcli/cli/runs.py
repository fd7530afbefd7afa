"""`mtcli runs`: a table of the runs under a folder."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtcli.cli.choices import choice_option
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.notes import note
from mtcli.cli.streams import stream_errors
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.config.problems import KeyPath
    from mtcli.runs.listing import RunSummary

app = typer.Typer()

FORMAT_VERSION = 1
"""Of the JSON object."""

SORTS = ("name", "state", "step", "score", "tokens", "hours")


@app.command(cls=Command, epilog=epilog("mtcli runs runs --sort score", "guides/report.md"))
def runs(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="[FOLDER]",
            help="The folder to search for runs.",
            show_default="the current folder",
        ),
    ] = Path(),
    sort: Annotated[
        str,
        choice_option(
            SORTS, "COLUMN", "Sort by `name`, `state`, `step`, `score`, `tokens` or `hours`."
        ),
    ] = "name",
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """List runs: state, best score, hours, how their configs differ.

    Config differences are the keys whose values are not those of most of the runs.
    """
    from mtcli.runs.listing import differing_keys, read_runs

    if as_json and as_csv:
        raise ConfigError("`--json` and `--csv` exclude each other", hint="give one of them")
    found = in_order(read_runs(folder), sort, is_reversed=reverse)
    for run in found:
        if run.problem is not None:
            note(f"warning: {run.problem}")
    keys = differing_keys(found)
    with stream_errors("printing"):
        if as_json:
            _print_json(found, keys)
        elif as_csv:
            _print_csv(found, keys)
        else:
            print(table(found, keys, folder))


def in_order(found: Sequence[RunSummary], column: str, *, is_reversed: bool) -> list[RunSummary]:
    """The runs, sorted: the best score and the largest number first, names by the alphabet.

    Scores of different metrics are not comparable, so runs with the same metric come together.
    Runs without a score are always last.
    """
    orders: dict[str, Callable[[RunSummary], Any]] = {
        "name": lambda run: str(run.path),
        "state": lambda run: (run.state, str(run.path)),
        "step": lambda run: -run.step,
        "tokens": lambda run: -run.tgt_tokens,
        "hours": lambda run: -run.elapsed_s,
        "score": lambda run: (run.best_by, _loss_like(run)),
    }
    known = [run for run in found if column != "score" or run.has_score]
    unknown = [run for run in found if column == "score" and not run.has_score]
    return sorted(known, key=orders[column], reverse=is_reversed) + unknown


def _loss_like(run: RunSummary) -> float:
    """The score, or its negative where more is better."""
    from mtcli.config.metric_names import is_error_rate

    score = run.best_score or 0.0
    return score if is_error_rate(run.best_by or "") else -score


def table(found: Sequence[RunSummary], keys: Sequence[KeyPath], folder: Path) -> str:
    """The runs as text, a line for each."""
    from mtcli.runs.listing import usual_values

    usual = usual_values(found, keys)
    rows = [["run", "state", "step", "best", "at", "tokens", "hours", "CPU hours", "config"]]
    for run in found:
        end = f"/{run.total_steps}" if run.total_steps else ""
        score = f"{run.best_by} {run.best_score:.2f}" if run.best_score is not None else "-"
        others = [key for key in keys if key in run.config and run.config[key] != usual[key]]
        rows.append(
            [
                _name(run.path, folder),
                run.state,
                f"{run.step}{end}",
                score,
                "-" if run.best_step is None else str(run.best_step),
                f"{run.tgt_tokens:,}",
                f"{run.elapsed_s / 3600:.2f}",
                f"{run.cpu_s / 3600:.2f}",
                " ".join(f"{_dotted(key)}={_plain(run.config[key])}" for key in others) or "-",
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _name(path: Path, folder: Path) -> str:
    """A run as it is called within the folder; the folder itself if that is the run."""
    return str(path) if path == folder else str(path.relative_to(folder))


def _plain(value: Any) -> str:
    """As `--set` takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _dotted(key: KeyPath) -> str:
    from mtcli.config.problems import dotted

    return dotted(key)


def _print_json(found: Sequence[RunSummary], keys: Sequence[KeyPath]) -> None:
    from mtcli.runs.listing import as_record

    content = {"format_version": FORMAT_VERSION, "runs": [as_record(run, keys) for run in found]}
    print(json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False))


def _print_csv(found: Sequence[RunSummary], keys: Sequence[KeyPath]) -> None:
    """A row for each run; every config key that differs is a column."""
    from mtcli.runs.listing import as_record

    names = [_dotted(key) for key in keys]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    records = [as_record(run, keys) for run in found]
    writer.writerow([*(name for name in records[0] if name != "config"), *names])
    for record in records:
        config = record.pop("config")
        cells = [_plain(config[name]) if name in config else "" for name in names]
        writer.writerow([*("" if v is None else v for v in record.values()), *cells])
