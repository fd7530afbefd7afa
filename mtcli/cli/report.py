"""`mtcli report`: an HTML page about one run or several, or a copy in an experiment tracker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from mtcli.cli.choices import TRACKERS, choice_option
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.training.observers.loggers.replay import Tracker

app = typer.Typer()


@app.command(
    cls=Command, epilog=epilog("mtcli report runs/demo --html demo.html", "guides/report.md")
)
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders; several are drawn into one plot."),
    ],
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The page to write.", show_default="report.html in the first run"
        ),
    ] = None,
    to: Annotated[
        str | None,
        choice_option(
            TRACKERS,
            "TRACKER",
            "Log the runs to `tensorboard`, `wandb`, `mlflow` or `trackio`, and write no page"
            " without `--html`.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With `--to`: keep what is logged here.",
            show_default="tensorboard in the run",
        ),
    ] = None,
) -> None:
    """Write an HTML page about runs: curves, data, samples, cost.

    The page is one file. It needs no network, and can be sent to others.
    """
    seen: dict[Path, Path] = {}
    for run in runs:
        if (path := run.resolve()) in seen:
            raise ConfigError(f"{run} and {seen[path]} are the same run", hint="give each run once")
        seen[path] = run
    if to is None and output is not None:
        raise ConfigError(
            "`--output` needs `--to`", hint="give a page its name with `--html`, or add `--to`"
        )
    if to is not None:
        _log(runs, cast("Tracker", to), output)
    if to is None or html is not None:
        from mtcli.reports.run_page import write_report

        page = runs[0] / "report.html" if html is None else html
        write_report(runs, page)
        print(page)


def _log(runs: list[Path], tracker: Tracker, output: Path | None) -> None:
    from mtcli.training.observers.loggers.replay import log_run

    for run in runs:
        own = output if output is None or len(runs) == 1 else output / run.resolve().name
        print(log_run(run, tracker, own))
