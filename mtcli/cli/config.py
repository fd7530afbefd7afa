"""`mtcli config`: print a template, check and show a config, print the JSON schema."""

from __future__ import annotations

from typing import Annotated

import typer

from mtcli.cli.command import Command, Group
from mtcli.cli.help import epilog
from mtcli.cli.options import ConfigArgument, OverridesOption
from mtcli.cli.streams import print_config

app = typer.Typer(
    cls=Group, epilog=epilog("mtcli config show configs/demo.yaml", "guides/configs.md")
)


@app.command(cls=Command, epilog=epilog("mtcli config template > my.yaml", "guides/configs.md"))
def template() -> None:
    """Print a config with every key, its documentation and its default."""
    from mtcli.config.describe import template as config_template

    print_config(config_template())


@app.command(
    cls=Command,
    epilog=epilog("mtcli config show configs/demo.yaml --set optim.lr=1e-3", "guides/configs.md"),
)
def show(
    config: ConfigArgument,
    overrides: OverridesOption = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Choose for `mtcli train --budget DURATION`."),
    ] = None,
) -> None:
    """Check a config and print every value with its origin.

    The output is a complete config: defaults are included and paths are absolute. With
    `preset: auto`, the training pairs are read, and what is chosen for them is printed with the
    reason; a run that has begun keeps what it began with.
    """
    from mtcli.cli.train import parse_duration
    from mtcli.config.provenance import explained_config
    from mtcli.training.settling import settle

    budget_s = None if budget is None else parse_duration(budget)
    print_config(explained_config(config, overrides or (), lambda c: settle(c, budget_s)))


@app.command(
    cls=Command, epilog=epilog("mtcli config schema > mtcli.schema.json", "guides/configs.md")
)
def schema() -> None:
    """Print the JSON schema of a config, for completion and checks in an editor."""
    from mtcli.config.describe import json_schema

    print(json_schema(), end="")
