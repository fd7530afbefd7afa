"""`mtcli import`: a model of another toolkit as a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.notes import note

if TYPE_CHECKING:
    from mtcli.interchange.importing import ImportReport

app = typer.Typer()


@app.command(
    "import",
    cls=Command,
    epilog=epilog("mtcli import opus-mt-en-de -o models/opus-mt-en-de", "guides/import.md"),
)
def import_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Folder or file of the model, or its id on the hub.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="MODEL", help="The model folder to write.")
    ],
    src_lang: Annotated[
        str | None,
        typer.Option(
            metavar="LANG", help="Source language.", show_default="as the model's files say"
        ),
    ] = None,
    tgt_lang: Annotated[
        str | None,
        typer.Option(
            metavar="LANG", help="Target language.", show_default="as the model's files say"
        ),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Branch, tag or commit on the hub.", show_default="main"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with all that is known.")
    ] = False,
) -> None:
    """Make a model folder from a model of another toolkit.

    The folder translates, is trained on (`training.init_from`), exported and scored like every
    other. What was taken from where is told, and which settings were not.
    """
    from mtcli.interchange.foreign import Languages
    from mtcli.interchange.importing import import_model

    report = import_model(source, output, Languages(src_lang, tgt_lang), revision)
    for warning in report.model.warnings:
        note(f"warning: {warning}")
    if as_json:
        _print_json(report, source)
    else:
        _print(report, source)


def _print(report: ImportReport, source: Path) -> None:
    model = report.model
    for line in model.taken:
        note(line)
    for key, reason in model.ignored.items():
        note(f"ignored: `{key}`, because {reason}")
    print(
        f"{source} ({model.toolkit}) -> {report.folder}: {model.card.src_lang}-"
        f"{model.card.tgt_lang}, {report.num_weights / 1e6:.1f} million weights,"
        f" {report.size_bytes / 2**20:.1f} MiB"
    )


def _print_json(report: ImportReport, source: Path) -> None:
    import json

    model = report.model
    values = {
        "source": source,
        "folder": report.folder,
        "toolkit": model.toolkit,
        "src_lang": model.card.src_lang,
        "tgt_lang": model.card.tgt_lang,
        "num_weights": report.num_weights,
        "size_bytes": report.size_bytes,
        "taken": model.taken,
        "ignored": model.ignored,
        "warnings": model.warnings,
    }
    print(json.dumps(values, default=str, ensure_ascii=False))
