"""The root of the command line, which imports a command only when it is called.

`mtcli --help` must feel instant, so this module imports Typer and nothing heavier.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from mtcli import __version__
from mtcli.cli.command import Group
from mtcli.cli.completion import explain_failures
from mtcli.cli.errors import user_errors
from mtcli.cli.help import MAX_WIDTH, epilog
from mtcli.cli.notes import note
from mtcli.cli.stderr import keep_stderr
from mtcli.cli.stdout import escape_what_cannot_be_printed
from mtcli.system.stop_signals import check_stop
from mtcli.system.threads import fit_threads, prepare_waiting

if TYPE_CHECKING:
    from typer._click import Command, Context


class Entry(NamedTuple):
    """A command in the help page of `mtcli`."""

    section: str
    module: str
    """Its module, which holds a Typer called `app`."""
    line: str
    """What it does: the first line of its own help page, too."""


COMMANDS = {
    "init": Entry(
        "Start",
        "mtcli.cli.init",
        "Write a config for your own files, after a look at them.",
    ),
    "demo": Entry(
        "Start",
        "mtcli.cli.demo",
        "Write a small corpus and a config that trains on it in minutes.",
    ),
    "config": Entry(
        "Start",
        "mtcli.cli.config",
        "Print a config template, check a config, or print the schema.",
    ),
    "train": Entry("Train", "mtcli.cli.train", "Train a translation model, or resume a run."),
    "tokenizer": Entry(
        "Train",
        "mtcli.cli.tokenizer",
        "Train a SentencePiece tokenizer, or encode and decode text.",
    ),
    "average": Entry(
        "Train",
        "mtcli.cli.average",
        "Average the weights of several models.",
    ),
    "runs": Entry(
        "Train",
        "mtcli.cli.runs",
        "List runs: state, best score, hours, how their configs differ.",
    ),
    "report": Entry(
        "Train",
        "mtcli.cli.report",
        "Write an HTML page about runs: curves, data, samples, cost.",
    ),
    "translate": Entry(
        "Translate",
        "mtcli.cli.translate",
        "Translate text: one line out for each line in, in their order.",
    ),
    "import": Entry(
        "Translate",
        "mtcli.cli.import_model",
        "Make a model folder from a model of another toolkit.",
    ),
    "export": Entry(
        "Translate",
        "mtcli.cli.export",
        "Export a model to CTranslate2 or to another toolkit, and verify the export.",
    ),
    "eval": Entry(
        "Evaluate",
        "mtcli.cli.evaluate",
        "Score translations with BLEU, chrF and other metrics, as sacreBLEU does.",
    ),
    "compare": Entry(
        "Evaluate",
        "mtcli.cli.compare",
        "Compare systems: scores, kinds of sentences, what changed, odd outputs, speed.",
    ),
    "check": Entry(
        "Evaluate",
        "mtcli.cli.check",
        "Test how a model behaves: numbers, tags, case, typos, long inputs.",
    ),
    "explain": Entry(
        "Evaluate",
        "mtcli.cli.explain",
        "Explain translations: attention, confidence, what each source word contributed.",
    ),
    "score": Entry(
        "Evaluate",
        "mtcli.cli.score",
        "Print the log-probability of each translation.",
    ),
    "bench": Entry(
        "Evaluate",
        "mtcli.cli.bench",
        "Measure how fast configs train and translate.",
    ),
}
"""Every command by name, in the order of the help page."""


class Root(Group):
    """The root group; its commands are stand-ins for help and completion until one is called."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the root's own options."""
        explain_failures(self.params)
        with user_errors():
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Find the command that `args` call, and import it."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, stand_in and load_command(str(name)), rest

    def invoke(self, ctx: Context) -> Any:
        """Parse the command's options and run it."""
        with user_errors():
            return super().invoke(ctx)


def load_command(name: str) -> Command:
    """Import the module of command `name` and return the command."""
    entry = COMMANDS[name]
    commands = import_module(entry.module).app
    _look_up_annotations(commands)
    command = typer.main.get_command(commands)
    check_stop()  # of signals that came while it was imported
    command.name = name
    command.help = command.help or entry.line
    # Typer gives these options to every app; completion is installed by the root alone.
    installers = {"install_completion", "show_completion"}
    command.params = [param for param in command.params if param.name not in installers]
    return command


def _look_up_annotations(app: typer.Typer) -> None:
    """Replace annotations that are names by what they name.

    Typer would compile each of them twice, which took a tenth of the start of `mtcli translate`.
    """
    for info in app.registered_commands:
        callback: Any = info.callback
        names = callback.__globals__
        callback.__annotations__ = {
            parameter: names.get(annotation, annotation)
            for parameter, annotation in callback.__annotations__.items()
        }


app = typer.Typer(
    name="mtcli",
    cls=Root,
    epilog=epilog("mtcli demo . && mtcli train configs/demo.yaml", "index.md"),
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MAX_WIDTH},
)


def _stand_in() -> None:
    """Never called: `Root` replaces it with the real command."""


for _name, _entry in COMMANDS.items():
    app.command(_name, help=_entry.line, rich_help_panel=_entry.section)(_stand_in)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
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
    """Run the command line; `mtcli.__main__` calls it, and answers signals."""
    prepare_waiting()  # before anything imports torch
    keep_stderr()
    if remark := fit_threads():  # before anything imports numpy
        note(remark)
    escape_what_cannot_be_printed()
    with user_errors():
        try:
            app(prog_name="mtcli")
        except SystemExit:
            if sys.stdout:  # None if it was closed
                sys.stdout.flush()  # fails here, where `user_errors` sees it, if the reader is gone
            raise
