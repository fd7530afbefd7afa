"""The options of `mtcli explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.choices import STACKS, choice_option
from mtcli.cli.language_options import src_lang_option, tgt_lang_option
from mtcli.cli.options import beam_size_option

OUTPUT, PICTURE, CHOICE, SEARCH = "Output", "Pictures", "Word alignment", "Translating"
"""Sections of the help page."""

ModelsOption = Annotated[
    list[Path],
    typer.Option("-m", "--model", metavar="MODEL", help="Run folder or model folder to explain."),
]

SrcsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "-i",
        "--input",
        "--src",
        metavar="FILE",
        help="Lines to translate and explain.",
        show_default="standard input",
    ),
]

TgtsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--tgt",
        metavar="FILE",
        help="Explain these translations, one per line.",
        show_default="those of the model",
    ),
]

HtmlOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write an HTML page.", rich_help_panel=OUTPUT),
]

SvgOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Write attention as SVG: a file of one line, or a folder.",
        rich_help_panel=OUTPUT,
    ),
]

PngOption = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="The same as PNG.", rich_help_panel=OUTPUT),
]

AlternativesOption = Annotated[
    int,
    typer.Option(
        min=1,
        max=50,
        metavar="N",
        help="Most probable pieces to show in each place.",
        rich_help_panel=OUTPUT,
    ),
]

StackOption = Annotated[
    str,
    choice_option(
        STACKS, "STACK", "Draw attention of `encoder`, `decoder` or `cross`.", panel=PICTURE
    ),
]

LayerOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Draw this layer, counted from 0.",
        show_default="the one that aligns words, or the last",
        rich_help_panel=PICTURE,
    ),
]

HeadOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Draw this head, counted from 0.",
        show_default="the mean of those that align words, or of all",
        rich_help_panel=PICTURE,
    ),
]

ChooseOption = Annotated[
    bool,
    typer.Option(
        "--choose-alignment",
        help="Find the layer and head that align words best. Needs `--src`, `--tgt`, `--gold`.",
        rich_help_panel=CHOICE,
    ),
]

GoldOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Gold alignments: `0-0 1-2` for each pair, `1p2` for possible links.",
        rich_help_panel=CHOICE,
    ),
]

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="MODEL",
        help="Write the model with the best choice to this new folder.",
        rich_help_panel=CHOICE,
    ),
]

BeamSizeOption = Annotated[int | None, beam_size_option(SEARCH)]

SrcLangOption = Annotated[str | None, src_lang_option(SEARCH)]

TgtLangOption = Annotated[str | None, tgt_lang_option(SEARCH)]
