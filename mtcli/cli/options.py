"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
