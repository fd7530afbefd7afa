"""`mtcli export`: a model for another engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.bars import Bar, progress_bar
from mtcli.cli.choices import QUANTIZATIONS, completing, one_of
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.notes import note
from mtcli.cli.options import CheckpointOption
from mtcli.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mtcli.interchange.ctranslate2.export import ExportReport
    from mtcli.interchange.foreign_export import ForeignExportReport
    from mtcli.interchange.verification import Sentences

app = typer.Typer()

_TARGETS = ("ctranslate2", "huggingface", "marian")
"""Engines and toolkits to export to."""


@app.command(
    cls=Command, epilog=epilog("mtcli export -m runs/demo --quantize int8", "guides/export.md")
)
def export(
    model: Annotated[
        Path, typer.Option("-m", "--model", metavar="MODEL", help="Run folder or model folder.")
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="ENGINE",
            help="What to export to: `ctranslate2`, `huggingface` or `marian`.",
            callback=one_of(_TARGETS),
            autocompletion=completing(_TARGETS),
        ),
    ] = "ctranslate2",
    quantize: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="Store weights as `float32`, `int8`, `int8_float32`, `int16`, `float16` or"
            " `bfloat16`.",
            callback=one_of(QUANTIZATIONS),
            autocompletion=completing(QUANTIZATIONS),
            show_default="int8",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder to write.", show_default="ctranslate2 in the model folder"
        ),
    ] = None,
    checkpoint: CheckpointOption = "best",
    verify_on: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Text that the model and its export both translate.",
            show_default="32 lines of random pieces",
        ),
    ] = None,
    ref: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Reference translations of `--verify-on`, for BLEU."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Keep the export only if at least this share of lines is translated alike.",
            show_default="0.98 for float32, 0.3 for the others",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with full precision.")
    ] = False,
) -> None:
    """Export a model to CTranslate2 or to another toolkit, and verify the export.

    The model and its export translate the same lines, and most translations must be equal. An
    export to CTranslate2 is kept in the model folder, where `mtcli translate` finds it, or in
    `--output`.
    """
    from mtcli.runs.resolve import resolve_model

    chosen = resolve_model(model, checkpoint)
    sentences = _read_sentences(verify_on, ref)
    if to != "ctranslate2":
        for option, value in (("--quantize", quantize), ("--ref", ref)):
            if value is not None:
                raise ConfigError(
                    f"`{option}` does not go with `--to {to}`", hint=f"remove `{option}`"
                )
        if output is None:
            raise ConfigError(f"`--to {to}` needs `--output`", hint="give the folder to write")
        _export_foreign(to, chosen, output, sentences, threshold, as_json=as_json)
        return
    from mtcli.interchange.ctranslate2.export import export_ctranslate2

    with progress_bar("exporting", "lines") as bar:
        report = export_ctranslate2(
            chosen,
            output=output,
            quantization=quantize or "int8",
            sentences=sentences,
            threshold=threshold,
            progress=_show_stages(bar),
        )
    if as_json:
        _print_json(report, chosen)
    else:
        _print(report, chosen)


def _export_foreign(
    to: str,
    model: Path,
    output: Path,
    sentences: Sentences | None,
    threshold: float | None,
    *,
    as_json: bool,
) -> None:
    """Export to another toolkit."""
    from mtcli.interchange.foreign_export import THRESHOLD

    if to == "huggingface":
        from mtcli.interchange.huggingface.export import export_huggingface as export_model
    else:
        from mtcli.interchange.marian.export import export_marian as export_model
    with progress_bar("exporting", "lines") as bar:
        report = export_model(
            model,
            output,
            sentences=sentences,
            threshold=THRESHOLD if threshold is None else threshold,
            progress=_show_stages(bar),
        )
    for warning in report.warnings:
        note(f"warning: {warning}")
    if as_json:
        _print_json(report, model)
    else:
        _print_foreign(report, model)


def _print_foreign(report: ForeignExportReport, model: Path) -> None:
    print(
        f"{model} -> {report.folder} ({report.toolkit})\n"
        f"size: {report.model_bytes / 2**20:.1f} MiB -> {report.export_bytes / 2**20:.1f} MiB"
    )
    if (agreement := report.agreement) is None:
        print("read back: all weights and pieces are the model's")
    else:
        kind = " of random pieces" if report.is_made_up else ""
        by = report.verified_with or "mtcli, which read the export again"
        print(
            f"agreement: {agreement.share:.1%} of {agreement.num_lines} lines{kind} translated"
            f" alike (by {by})\n"
            f"log-probability: differs by at most {agreement.log_prob_difference:.1e} per piece"
        )
    if report.verified_with is None:
        package = report.install.split("'")[1].split(">")[0]
        note(
            f"not verified with the other toolkit: the package `{package}` is not installed\n"
            f"hint: {report.install}"
        )


def _show_stages(bar: Bar) -> Callable[[str, int, int], None]:
    """Shows what is being verified, in the bar or a line: with a slow model it takes a while."""
    begun: set[str] = set()

    def tell(doing: str, done: int, total: int) -> None:
        if doing not in begun:
            begun.add(doing)
            unit = "lines" if doing.endswith("translates") else "times"
            bar.begin(doing, unit)
            if not bar.is_shown:
                note(f"{doing} ({total} {unit})")
        bar.move(done, total)

    return tell


def _read_sentences(path: Path | None, ref: Path | None) -> Sentences | None:
    from mtcli.data.lines import read_file_lines
    from mtcli.interchange.verification import Sentences

    if path is None:
        if ref is not None:
            raise ConfigError("`--ref` needs `--verify-on`, the lines that it translates")
        return None
    sources = tuple(read_file_lines(path))
    if not sources:
        raise DataError(f"{path} is empty: there is nothing to translate")
    references = None if ref is None else tuple(read_file_lines(ref))
    if references is not None and len(references) != len(sources):
        raise DataError(
            f"{path} has {len(sources)} lines, but {ref} has {len(references)}",
            hint="line N of one file must belong to line N of the other",
        )
    return Sentences(sources, references)


def _print_json(report: ExportReport | ForeignExportReport, model: Path) -> None:
    import json
    from dataclasses import asdict

    values = {"model": model, **asdict(report)}
    print(json.dumps(values, default=str, ensure_ascii=False))


def _print(report: ExportReport, model: Path) -> None:
    comparison = report.comparison
    kind = " of random pieces" if report.is_made_up else ""
    print(f"{model} -> {report.folder} ({report.quantization})")
    print(
        f"size: {report.model_bytes / 2**20:.1f} MiB -> {report.export_bytes / 2**20:.1f} MiB\n"
        f"agreement: {comparison.agreement:.1%} of {comparison.num_lines} lines{kind} translated"
        f" alike (beam {comparison.beam_size})\n"
        f"log-probability: differs by at most {comparison.log_prob_difference:.1e} per piece"
    )
    if comparison.model_bleu is not None and comparison.export_bleu is not None:
        print(
            f"BLEU: {comparison.model_bleu.score:.2f} -> {comparison.export_bleu.score:.2f}"
            f" ({comparison.model_bleu.signature})"
        )
    print(f"speed: torch {comparison.torch_lines_per_s:.0f} lines/s")
    for split in comparison.splits:
        print(
            f"speed: ctranslate2, {split.inter_threads} x {split.intra_threads} threads"
            f" {split.lines_per_s:.0f} lines/s"
        )
