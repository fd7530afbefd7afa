"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mtcli.cli.choices import PRECISIONS, choice_option, complete_key, completing, device_option

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML training config.")]

OverridesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        autocompletion=complete_key,
        help="Override a config key, for example `optim.lr=3e-4`. Can be repeated.",
    ),
]

CheckpointOption = Annotated[
    str,
    typer.Option(
        metavar="WHICH",
        autocompletion=completing(("best", "last")),
        help="Which model of a run: `best` (the last if none is best yet), `last` or `step_N`.",
    ),
]

DeviceOption = Annotated[str, device_option()]

PrecisionOption = Annotated[
    str,
    choice_option(PRECISIONS, "TYPE", "Compute in `fp32`, `bf16` or `fp16`."),
]

QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")]

MaxLineBytesOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1000,
        help="Cut longer lines into parts while reading.",
        rich_help_panel="Input and output",
    ),
]


def beam_size_option(panel: str) -> Any:
    """The beam width of a command that translates and then looks at what came out."""
    return _number_of_the_model("Beam width; 1 is greedy search.", panel)


def batch_size_option(noun: str, panel: str) -> Any:
    """How many of what `noun` names such a command translates at once."""
    return _number_of_the_model(f"{noun} translated at once.", panel)


def _number_of_the_model(text: str, panel: str) -> Any:
    return typer.Option(
        min=1, metavar="N", help=text, show_default="the model's", rich_help_panel=panel
    )
