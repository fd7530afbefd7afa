"""`mtcli config`: print a template, check and show a config, print the JSON schema."""

from __future__ import annotations

import typer

from mtcli.cli.command import Command, Group
from mtcli.cli.options import ConfigArgument, OverridesOption

app = typer.Typer(cls=Group)


@app.command(cls=Command)
def template() -> None:
    """Print a config with every key, its documentation and its default."""
    from mtcli.config.describe import template as config_template

    print(config_template(), end="")


@app.command(cls=Command)
def show(config: ConfigArgument, overrides: OverridesOption = None) -> None:
    """Check a config and print every value with its origin.

    The output is a complete config: defaults are included and paths are absolute.
    """
    from mtcli.config.provenance import explained_config

    print(explained_config(config, overrides or ()), end="")


@app.command(cls=Command)
def schema() -> None:
    """Print the JSON schema of a config, for completion and checks in an editor."""
    from mtcli.config.describe import json_schema

    print(json_schema(), end="")
