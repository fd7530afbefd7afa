"""`mtcli average`: one model from several of a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mtcli.cli.errors import user_errors
from mtcli.cli.streams import only

app = typer.Typer(pretty_exceptions_enable=False)


def parse_steps(text: str) -> tuple[int, ...]:
    """The steps of `1000,2000`.

    Raises:
        ConfigError: it is no such list.
    """
    from mtcli.errors import ConfigError

    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise ConfigError(f"--steps {text!r} is no list of steps; write for instance 1000,2000")
    return tuple(int(step) for step in text.split(","))


@app.command()
def average(
    models: Annotated[list[Path], typer.Option("-m", "--model", metavar="RUN", help="Run folder.")],
    output: Annotated[Path, typer.Option(metavar="MODEL", help="Model folder to write.")],
    last: Annotated[int | None, typer.Option(min=1, help="Average the newest N models.")] = None,
    best: Annotated[
        int | None, typer.Option(min=1, help="Average the N models that validated best.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Average the models of these steps.")
    ] = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Score the average on the run's validation pairs.")
    ] = False,
) -> None:
    """Average the weights of several models of a run into a new model folder."""
    with user_errors():
        from mtcli.workflows.average import Choice, average_models

        choice = Choice(last=last, best=best, steps=None if steps is None else parse_steps(steps))
        made = average_models(only(models, "--model"), choice, output, validates=validate)
        print(f"{output}: mean of the models of steps {', '.join(map(str, made.steps))}")
        for score in made.scores:
            print(f"{score.metric} {score.score:.2f}  {score.signature}".rstrip())
