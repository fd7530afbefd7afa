"""The options of `mtcli check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.choices import CHECKS, completing
from mtcli.cli.options import batch_size_option, beam_size_option

CASES, RESULT, SEARCH = "Cases", "Result", "Translating"
"""Sections of the help page."""

ModelsOption = Annotated[
    list[Path],
    typer.Option("-m", "--model", metavar="MODEL", help="Run folder or model folder to test."),
]

SrcsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--src",
        metavar="FILE",
        help="Make cases from these sentences of the source language.",
        show_default="the run's validation sources, or English sentences",
        rich_help_panel=CASES,
    ),
]

OwnCasesOption = Annotated[
    Path | None,
    typer.Option("--cases", metavar="FILE", help="Your own cases, in YAML.", rich_help_panel=CASES),
]

OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="CHECK",
        help="Make this check only, for example `numbers`. May be repeated.",
        autocompletion=completing(CHECKS),
        rich_help_panel=CASES,
    ),
]

SkipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        metavar="CHECK",
        help="Leave out this check. May be repeated.",
        autocompletion=completing(CHECKS),
        rich_help_panel=CASES,
    ),
]

MaxCasesOption = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, help="Cases of each built-in check, at most.", rich_help_panel=CASES
    ),
]

MinRatesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--min-rate",
        metavar="RATE",
        help="Exit with 4 if a check passes less often: `0.9`, or `numbers=0.99`. May be repeated.",
        rich_help_panel=RESULT,
    ),
]

ExamplesOption = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, help="Failures to print of each check.", rich_help_panel=RESULT
    ),
]

JunitOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write every case here, as JUnit XML.", rich_help_panel=RESULT
    ),
]

JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print JSON, with every failure.", rich_help_panel=RESULT),
]

BeamSizeOption = Annotated[int | None, beam_size_option(SEARCH)]

BatchSizeOption = Annotated[int | None, batch_size_option("Texts", SEARCH)]
