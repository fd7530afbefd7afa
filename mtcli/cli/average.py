"""`mtcli average`: one model from several models of a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.bars import progress_bar
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.streams import only

app = typer.Typer()


def parse_steps(text: str) -> tuple[int, ...]:
    """The steps of a list such as `1000,2000`.

    Raises:
        ConfigError: it is not such a list.
    """
    from mtcli.errors import ConfigError

    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise ConfigError(
            f"`{text}` is not a valid list of steps for `--steps`",
            hint="use for example `1000,2000`",
        )
    return tuple(int(step) for step in text.split(","))


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli average -m runs/demo --last 5 --output averaged", "guides/better-models.md"
    ),
)
def average(
    models: Annotated[
        list[Path], typer.Option("-m", "--model", metavar="RUN", help="The run folder.")
    ],
    output: Annotated[Path, typer.Option(metavar="MODEL", help="The model folder to write.")],
    last: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Average the newest N models.")
    ] = None,
    best: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Average the N models with the best validations."),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Average the models of these steps."),
    ] = None,
    validate: Annotated[
        bool,
        typer.Option("--validate", help="Score the average on the validation pairs of the run."),
    ] = False,
) -> None:
    """Average the weights of several models of a run.

    Give one of `--last`, `--best` and `--steps`.
    """
    from mtcli.workflows.average import Choice, average_models

    choice = Choice(last=last, best=best, steps=None if steps is None else parse_steps(steps))
    run = only(models, "--model")
    with progress_bar("averaging", "models") as bar:
        averaged = average_models(run, choice, output, validates=validate, begin=bar.begin)
    print(f"{output}: mean of the models of steps {', '.join(map(str, averaged.steps))}")
    for score in averaged.scores:
        print(f"{score.metric} {score.score:.2f}  {score.signature}".rstrip())
