"""The options of `mtcli eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.choices import METRICS, TOKENIZATIONS, completing
from mtcli.cli.language_options import src_lang_option
from mtcli.cli.options import batch_size_option, beam_size_option

TRANSLATE, SCORE, COMPARE = "Translate and score", "Scoring", "Compare and check"
"""Sections of the help page."""

RefsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--ref",
        metavar="FILE",
        help="Reference translations. Repeat it for several references.",
    ),
]

HypsOption = Annotated[
    list[Path] | None, typer.Option("--hyp", metavar="FILE", help="Translations to score.")
]

ModelsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "-m",
        "--model",
        metavar="MODEL",
        help="Run folder or model folder to translate with.",
        rich_help_panel=TRANSLATE,
    ),
]

SrcsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--src",
        metavar="FILE",
        help="Text that models translate.",
        rich_help_panel=TRANSLATE,
    ),
]

OutputOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write the translations here, too.", rich_help_panel=TRANSLATE
    ),
]

BeamSizeOption = Annotated[int | None, beam_size_option(TRANSLATE)]

BatchSizeOption = Annotated[int | None, batch_size_option("Sentences", TRANSLATE)]

MetricsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Metric, such as `chrf++`, `ter`, `accuracy`, `rouge-l` or `comet`. May be repeated.",
        show_default="bleu and chrf",
        autocompletion=completing(METRICS),
        rich_help_panel=SCORE,
    ),
]

NoIntervalOption = Annotated[
    bool,
    typer.Option(
        "--no-interval", help="Do not compute 95 % intervals of scores.", rich_help_panel=SCORE
    ),
]

SrcLangOption = Annotated[str | None, src_lang_option(TRANSLATE)]

TgtLangOption = Annotated[
    str | None,
    typer.Option(
        metavar="LANG",
        help="Target language, such as `zh`: of a model that knows several, and for BLEU's words.",
        show_default="the model's, or 13a",
        rich_help_panel=SCORE,
    ),
]

TokenizeOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Choose BLEU's tokenization by name: `13a`, `intl`, `char`, `none`, ...",
        autocompletion=completing(TOKENIZATIONS),
        rich_help_panel=SCORE,
    ),
]

LowercaseOption = Annotated[
    bool, typer.Option("--lowercase", help="Ignore case.", rich_help_panel=SCORE)
]

JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", help="Print a list of objects with full precision.", rich_help_panel=SCORE
    ),
]

TestSetOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Sources and references of a public test set, such as `wmt24/en-de`.",
    ),
]

BaselinesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--baseline",
        metavar="FILE|MODEL",
        help="Compare with these translations, or with those of this model.",
        rich_help_panel=COMPARE,
    ),
]

FailUnderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        metavar="NAME=NUMBER",
        help="Exit with 4 if a score is lower, for example `bleu=30`. May be repeated.",
        rich_help_panel=COMPARE,
    ),
]

FailIfWorseOption = Annotated[
    bool,
    typer.Option(
        "--fail-if-worse",
        help="Exit with 4 if the first metric is significantly worse than the baseline's.",
        rich_help_panel=COMPARE,
    ),
]

PerSentenceOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the scores of each sentence here: TSV, or JSON lines if it ends with .jsonl.",
        rich_help_panel=SCORE,
    ),
]

DocumentsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Score each document, too: the file names the document of each line.",
        rich_help_panel=SCORE,
    ),
]
