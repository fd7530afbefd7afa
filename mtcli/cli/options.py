"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML training config.")]

OverridesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a config key, for example `optim.lr=3e-4`. Can be repeated.",
    ),
]

CheckpointOption = Annotated[
    str,
    typer.Option(
        metavar="WHICH",
        help="Which model of a run: `best` (the last if none is best yet), `last` or `step_N`.",
    ),
]

DeviceOption = Annotated[
    str, typer.Option(metavar="DEVICE", help="Use `auto`, `cpu`, `cuda` or `mps`.")
]

PrecisionOption = Annotated[
    str, typer.Option(metavar="TYPE", help="Compute in `fp32`, `bf16` or `fp16`.")
]

QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")]
