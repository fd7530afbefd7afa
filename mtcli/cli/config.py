"""`mtcli config`: write a template, check and show a config, print its JSON schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.errors import user_errors

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def template() -> None:
    """Print a config with every key, its documentation and its default."""
    from mtcli.config.describe import template as config_template

    print(config_template(), end="")


@app.command()
def show(
    config: Annotated[Path, typer.Argument(metavar="FILE", help="YAML training config.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Set a key, as in optim.lr=3e-4; may be repeated."
        ),
    ] = None,
) -> None:
    """Check a config and print what it comes to: every value and where it comes from.

    Defaults are included, paths absolute; what is printed is a config again.
    """
    from mtcli.config.provenance import explained_config

    with user_errors():
        print(explained_config(config, overrides or ()), end="")


@app.command()
def schema() -> None:
    """Print the JSON schema of a config, with which editors complete and check it."""
    from mtcli.config.describe import json_schema

    print(json_schema(), end="")
