"""`mtcli init`: write a first config for a user's own files."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.streams import can_ask
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.workflows.init import Answers

app = typer.Typer()


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli init --src my.en --tgt my.de --src-lang en --tgt-lang de", "guides/train.md"
    ),
)
def init(
    src: Annotated[
        Path | None,
        typer.Option(
            "--src",
            metavar="FILE",
            help="Source text, one sentence a line; or a TSV, CSV, TMX, XLSX or JSON lines file"
            " with both sides.",
        ),
    ] = None,
    tgt: Annotated[
        Path | None,
        typer.Option("--tgt", metavar="FILE", help="The translation of each line of `--src`."),
    ] = None,
    src_lang: Annotated[
        str | None, typer.Option("--src-lang", metavar="TAG", help="Source language, such as `en`.")
    ] = None,
    tgt_lang: Annotated[
        str | None, typer.Option("--tgt-lang", metavar="TAG", help="Target language, such as `de`.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The config to write.")
    ] = Path("my.yaml"),
) -> None:
    """Write a config for your own files, after a look at them.

    On a terminal, asks for what the options do not say.
    """
    from mtcli.workflows.init import write_config

    written = write_config(_answers(src, tgt, src_lang, tgt_lang), output)
    for text in written.notes:
        print(text, file=sys.stderr)
    name = quote(str(written.config))
    print(
        f"wrote `{written.config}`\n"
        f"hint: run `mtcli train {name} --check` to look at data and cost, then"
        f" `mtcli train {name}`",
        file=sys.stderr,
    )


def _answers(
    src: Path | None, tgt: Path | None, src_lang: str | None, tgt_lang: str | None
) -> Answers:
    """What the options say, completed by up to three questions on a terminal.

    Raises:
        ConfigError: something is missing, and there is nobody to ask.
    """
    from mtcli.workflows.init import Answers, has_both_sides

    missing = [
        name
        for name, value in (("--src", src), ("--src-lang", src_lang), ("--tgt-lang", tgt_lang))
        if value is None
    ]
    if src is not None and tgt is None and not has_both_sides(src):
        missing.insert(0, "--tgt")
    if missing and not can_ask():
        raise ConfigError(
            f"`mtcli init` needs {_listed(missing)}",
            hint="run for example `mtcli init --src my.en --tgt my.de --src-lang en --tgt-lang de`",
        )
    if src is None:
        src = Path(_ask("File with the source text, or with both sides (TSV, CSV, TMX, ...)"))
    if tgt is None and not has_both_sides(src):
        tgt = Path(_ask("File with the translations, line by line"))
    if src_lang is None or tgt_lang is None:
        asked = _ask_languages(src_lang, tgt_lang)
        src_lang, tgt_lang = src_lang or asked[0], tgt_lang or asked[1]
    return Answers((src,) if tgt is None else (src, tgt), src_lang, tgt_lang)


def _ask(question: str) -> str:
    answer: str = typer.prompt(question, err=True)
    return answer.strip()


def _ask_languages(src_lang: str | None, tgt_lang: str | None) -> tuple[str, str]:
    """Both languages in one question."""
    if src_lang is not None or tgt_lang is not None:
        side = "Source" if src_lang is None else "Target"
        answer = _ask(f"{side} language, such as `en`")
        return answer, answer
    while True:
        words = _ask("Languages, source then target, such as `en de`").replace(",", " ").split()
        if len(words) == 2:
            return words[0], words[1]
        print("error: write two language tags, such as `en de`", file=sys.stderr)


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
