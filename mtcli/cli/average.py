"""`mtcli average`: one model from several models of a run, or from a base and its tuned model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.bars import progress_bar
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.streams import only

if TYPE_CHECKING:
    from mtcli.bundle.card import ModelScore

app = typer.Typer()


def parse_steps(text: str) -> tuple[int, ...]:
    """The steps of a list such as `1000,2000`.

    Raises:
        ConfigError: it is not such a list.
    """
    from mtcli.errors import ConfigError

    if not re.fullmatch(r"\d+(,\d+)*", text, re.ASCII):
        raise ConfigError(
            f"`{text}` is not a valid list of steps for `--steps`",
            hint="use for example `1000,2000`",
        )
    return tuple(int(step) for step in text.split(","))


def parse_weights(text: str) -> tuple[float, ...]:
    """The numbers of a list such as `0.6,0.4`.

    Raises:
        ConfigError: it is not such a list.
    """
    from mtcli.errors import ConfigError

    if not re.fullmatch(r"-?\d*\.?\d+(,-?\d*\.?\d+)*", text, re.ASCII):
        raise ConfigError(
            f"`{text}` is not a valid list of numbers for `--weights`",
            hint="use for example `0.6,0.4`",
        )
    return tuple(float(share) for share in text.split(","))


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli average -m runs/demo --last 5 --output averaged", "guides/better-models.md"
    ),
)
def average(
    models: Annotated[
        list[Path],
        typer.Option(
            "-m", "--model", metavar="RUN", help="The run folder; with --weights, a model each."
        ),
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
    weights: Annotated[
        str | None,
        typer.Option(metavar="W,W,...", help="Average several models, with these weights."),
    ] = None,
    validate: Annotated[
        bool,
        typer.Option("--validate", help="Score the average on the validation pairs of the run."),
    ] = False,
) -> None:
    """Average the weights of several models.

    Give one of `--last`, `--best` and `--steps` for the models of a run, or `--weights` and several
    `-m`: a base model and its tuned one, last. Weights from 0 to 1 add up to 1.
    """
    from mtcli.errors import ConfigError

    if weights is not None:
        if {last, best, steps} != {None}:
            raise ConfigError(
                "`--weights` averages models, and `--last`, `--best` and `--steps` those of one"
                " run; give only one of them"
            )
        _interpolate(models, parse_weights(weights), output, validates=validate)
        return
    from mtcli.workflows.average import Choice, average_models

    choice = Choice(last=last, best=best, steps=None if steps is None else parse_steps(steps))
    run = only(models, "--model")
    with progress_bar("averaging", "models") as bar:
        averaged = average_models(run, choice, output, validates=validate, begin=bar.begin)
    print(f"{output}: mean of the models of steps {', '.join(map(str, averaged.steps))}")
    _print_scores(averaged.scores)


def _interpolate(
    models: list[Path], shares: tuple[float, ...], output: Path, *, validates: bool
) -> None:
    from mtcli.workflows.interpolate import interpolate_models

    with progress_bar("averaging", "models") as bar:
        scores = interpolate_models(models, shares, output, validates=validates, begin=bar.begin)
    parts = [f"{share:g} of {path}" for path, share in zip(models, shares, strict=True)]
    print(f"{output}: {' and '.join(parts)}")
    _print_scores(scores)


def _print_scores(scores: Sequence[ModelScore]) -> None:
    for score in scores:
        print(f"{score.metric} {score.score:.2f}  {score.signature}".rstrip())
