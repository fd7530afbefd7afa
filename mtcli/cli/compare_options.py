"""The options of `mtcli compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.choices import METRICS, completing
from mtcli.cli.options import batch_size_option, beam_size_option

TRANSLATE, SCORE, SHOW = "Translate", "Scoring", "Show"
"""Sections of the help page."""

SystemsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="A B...",
        help="Run folders, model folders or files of translations; all are compared with A.",
    ),
]

SrcsOption = Annotated[
    list[Path], typer.Option("--src", metavar="FILE", help="Text that was or is translated.")
]

RefsOption = Annotated[
    list[Path],
    typer.Option(
        "--ref",
        metavar="FILE",
        help="Reference translations. Repeat it for several references.",
    ),
]

TrainOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--train",
        metavar="FILE",
        help="Source text of the training, to find rare and unseen words. May be repeated.",
        show_default="that of the first run",
    ),
]

BeamSizeOption = Annotated[int | None, beam_size_option(TRANSLATE)]

BatchSizeOption = Annotated[int | None, batch_size_option("Sentences", TRANSLATE)]

MetricsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Metric, as for `mtcli eval`; the first scores the buckets. May be repeated.",
        show_default="bleu and chrf",
        autocompletion=completing(METRICS),
        rich_help_panel=SCORE,
    ),
]

SentencesOption = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="Sentences to show that became better, and that became worse.",
        rich_help_panel=SHOW,
    ),
]

HtmlOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write an HTML page, too.", rich_help_panel=SHOW),
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON with full precision.", rich_help_panel=SHOW)
]
