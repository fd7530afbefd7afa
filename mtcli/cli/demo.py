"""`mtcli demo`: the embedded corpus and its config, written anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.errors import user_errors

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
) -> None:
    """Write a made-up English-German corpus and a config that trains on it in minutes.

    21,000 sentence pairs that mtcli's own grammar makes. Files that are there already and differ
    are not touched.
    """
    from mtcli.workflows.demo import write_demo

    with user_errors():
        write_demo(folder)
    typer.echo(
        f"wrote {folder / 'data/demo'} and {folder / 'configs/demo.yaml'}; now run:"
        f" cd {folder} && mtcli train configs/demo.yaml",
        err=True,
    )
