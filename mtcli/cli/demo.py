"""`mtcli demo`: write the embedded corpus and its config."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from mtcli.cli.command import Command
from mtcli.cli.help import epilog

app = typer.Typer()


@app.command(
    cls=Command,
    epilog=epilog("mtcli demo . && mtcli train configs/demo.yaml", "guides/getting-started.md"),
)
def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write into.")],
) -> None:
    """Write a small corpus and a config that trains on it in minutes.

    The 21,000 English-German sentence pairs are artificial: a grammar of mtcli made them. Existing
    files are never overwritten.
    """
    from mtcli.workflows.demo import write_demo

    write_demo(folder)
    print(
        f"wrote `{folder / 'data/demo'}` and `{folder / 'configs/demo.yaml'}`\n"
        f"hint: run `cd {quote(str(folder))} && mtcli train configs/demo.yaml`",
        file=sys.stderr,
    )
