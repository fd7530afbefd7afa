"""The options of `mtcli translate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.choices import (
    ENGINES,
    NORMALIZATIONS,
    PRECISIONS,
    choice_option,
    completing,
    device_option,
    one_of,
)

OF_THE_MODEL = "the model's"
"""Shown as the default of what `generation.json` of the model folder says."""

INPUT_OUTPUT, SEARCH, SAMPLING, ENGINE = "Input and output", "Search", "Sampling", "Engine"
"""Sections of the help page."""

ModelsOption = Annotated[
    list[Path],
    typer.Option(
        "-m",
        "--model",
        metavar="MODEL",
        help="Run folder or model folder. Repeat it to translate with an ensemble.",
    ),
]

InputOption = Annotated[
    Path | None,
    typer.Option(
        "-i",
        "--input",
        metavar="FILE",
        help="File to read.",
        show_default="standard input",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="File to write; packed if its name ends with .gz, .bz2, .xz or .zst.",
        show_default="standard output",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

ResumeOption = Annotated[
    bool,
    typer.Option("--resume", help="Resume a partial `--output`.", rich_help_panel=INPUT_OUTPUT),
]

LineBufferedOption = Annotated[
    bool,
    typer.Option(
        "--line-buffered",
        help="Answer each line before reading the next; always on for a terminal.",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

NBestOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Write the N best translations of each line, with scores.",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

JsonlOption = Annotated[
    bool,
    typer.Option(
        "--jsonl",
        help="Write a JSON object for each line, with scores and flags.",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

ReviewOption = Annotated[
    Path | None,
    typer.Option(
        "--review",
        metavar="FILE",
        help="Write the least certain translations to FILE (TSV), worst first.",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

WorstOption = Annotated[
    str | None,
    typer.Option(
        "--worst",
        metavar="SHARE",
        help="How many go to `--review`: a share such as `20%`, or a number of lines.",
        show_default="10%",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

AlignmentOption = Annotated[
    bool,
    typer.Option(
        "--alignment",
        help="Add word alignments: `text ||| 0-0 1-2`, source word first.",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

PrefixOption = Annotated[
    bool,
    typer.Option(
        "--prefix",
        help="Begin each translation with the text after the first tab of its line.",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

SplitSentencesOption = Annotated[
    bool,
    typer.Option(
        "--split-sentences",
        help="Translate the sentences of a line one by one (needs `sentencex`).",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

DocumentsOption = Annotated[
    bool,
    typer.Option(
        "--documents",
        help="Translate neighbouring lines together; a blank line ends a document.",
        rich_help_panel=INPUT_OUTPUT,
    ),
]

_QUIET = typer.Option("-q", "--quiet", help="Print errors only.", rich_help_panel=INPUT_OUTPUT)
QuietOption = Annotated[bool, _QUIET]

BeamSizeOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Beam width; 1 is greedy search.",
        show_default=OF_THE_MODEL,
        rich_help_panel=SEARCH,
    ),
]

NormalizationOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORM",
        help="Normalize scores by length: `average`, `gnmt` or `none`.",
        callback=one_of(NORMALIZATIONS),
        autocompletion=completing(NORMALIZATIONS),
        show_default=OF_THE_MODEL,
        rich_help_panel=SEARCH,
    ),
]

LengthPenaltyOption = Annotated[
    float | None,
    typer.Option(
        metavar="A",
        help="Exponent of the length in the normalization.",
        show_default=OF_THE_MODEL,
        rich_help_panel=SEARCH,
    ),
]

MaxLengthOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Longest translation, in pieces.",
        show_default=OF_THE_MODEL,
        rich_help_panel=SEARCH,
    ),
]

NoRepeatNgramOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Block n-grams of N pieces from repeating; 0 allows all.",
        rich_help_panel=SEARCH,
    ),
]

RepetitionPenaltyOption = Annotated[
    float,
    typer.Option(
        metavar="X",
        help="Make repeated pieces less likely: above 1; 1 is off.",
        rich_help_panel=SEARCH,
    ),
]

RetryOption = Annotated[
    bool,
    typer.Option(
        help="Translate lines again with other settings if they repeat themselves.",
        rich_help_panel=SEARCH,
    ),
]

SampleOption = Annotated[
    bool,
    typer.Option(
        "--sample",
        help="Draw translations at random; `--n-best N` draws N.",
        rich_help_panel=SAMPLING,
    ),
]

TemperatureOption = Annotated[
    float,
    typer.Option(
        metavar="T",
        help="Divide log-probabilities by T; below 1 prefers likely pieces.",
        rich_help_panel=SAMPLING,
    ),
]

TopKOption = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        help="Draw from the K likeliest pieces.",
        show_default="all",
        rich_help_panel=SAMPLING,
    ),
]

TopPOption = Annotated[
    float | None,
    typer.Option(
        metavar="P",
        help="Draw from the fewest pieces that have probability P together.",
        show_default="all",
        rich_help_panel=SAMPLING,
    ),
]

SeedOption = Annotated[
    int,
    typer.Option(
        metavar="N", help="Draw other samples with another seed.", rich_help_panel=SAMPLING
    ),
]

EngineOption = Annotated[
    str,
    choice_option(
        ENGINES,
        "ENGINE",
        "Use `torch`, `ctranslate2`, or `auto`: the fastest that supports the request.",
        panel=ENGINE,
    ),
]

DeviceOption = Annotated[str, device_option(panel=ENGINE)]

PrecisionOption = Annotated[
    str,
    choice_option(PRECISIONS, "TYPE", "Compute in `fp32`, `bf16` or `fp16`.", panel=ENGINE),
]

ThreadsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Number of CPU threads.",
        show_default="the engine's choice",
        rich_help_panel=ENGINE,
    ),
]

BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Sentences translated at once; 1 implies `--line-buffered`.",
        show_default=OF_THE_MODEL,
        rich_help_panel=ENGINE,
    ),
]
