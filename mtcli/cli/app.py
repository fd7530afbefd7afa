"""The command line's root: every command by name and one line, imported when it is called.

`mtcli --help` must feel instant, so that only Typer is imported here.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from mtcli import __version__
from mtcli.cli.errors import ending_on_signals, user_errors
from mtcli.cli.plain_params import read_plainly
from mtcli.cli.stderr import keep_stderr

if TYPE_CHECKING:
    from typer._click import Command, Context

COMMANDS = {
    "train": ("mtcli.cli.train", "Train a translation model, or continue a run."),
    "translate": (
        "mtcli.cli.translate",
        "Translate lines of text: one line out per line in, in order.",
    ),
    "eval": (
        "mtcli.cli.evaluate",
        "Score translations with BLEU and chrF, as sacreBLEU does, signature included.",
    ),
    "average": (
        "mtcli.cli.average",
        "Average the weights of several models of a run into a new model folder.",
    ),
    "score": (
        "mtcli.cli.score",
        "Write the log-probability of each translation: one number out per pair in, in order.",
    ),
    "export": (
        "mtcli.cli.export",
        "Export a model to CTranslate2, compare both on the same lines, and measure speeds.",
    ),
    "tokenizer": ("mtcli.cli.tokenizer", "Train a SentencePiece model, encode and decode text."),
    "bench": (
        "mtcli.cli.bench",
        "Measure how fast configs train and translate, and where the time goes.",
    ),
    "config": ("mtcli.cli.config", "Write a config template, check and show a config."),
    "demo": (
        "mtcli.cli.demo",
        "Write a made-up English-German corpus and a config that trains on it in minutes.",
    ),
}
"""Name of a command: its module, which holds a Typer called `app`, and its line in `--help`."""


class LazyGroup(TyperGroup):
    """A group whose commands are stand-ins for help and completion until one is called."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the root's own options."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Find the command that `args` call, and import it."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        command = stand_in and load_command(str(name))
        if command is not None:
            read_plainly(command.get_params(ctx))
        return name, command, rest

    def invoke(self, ctx: Context) -> Any:
        """Run the command; what the user can mend becomes one message."""
        with user_errors():
            return super().invoke(ctx)


def load_command(name: str) -> Command:
    """The real command `name`, from its module."""
    module, line = COMMANDS[name]
    command = typer.main.get_command(import_module(module).app)
    command.name = name
    command.help = command.help or line
    # Typer adds these to every app that is turned into a command; here only the root installs.
    installers = {"install_completion", "show_completion"}
    command.params = [param for param in command.params if param.name not in installers]
    return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _stand_in() -> None:
    """Never called: LazyGroup puts the real command in its place."""


for _name, (_, _line) in COMMANDS.items():
    app.command(_name, help=_line)(_stand_in)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        with user_errors():
            print(f"mtcli {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Train machine-translation models from the command line."""


def main() -> None:
    """Run the command line: the console script `mtcli`."""
    keep_stderr()
    with user_errors(), ending_on_signals():
        try:
            app(prog_name="mtcli")
        except SystemExit:
            if sys.stdout:  # None if it was closed
                sys.stdout.flush()  # a reader that has gone shows here, where we can answer it
            raise
