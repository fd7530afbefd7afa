"""`mtcli score`: the log-probability that a model gives to each pair of source and target."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.command import Command
from mtcli.cli.streams import (
    PIPE_OUTPUT,
    input_or_standard,
    open_input,
    standard_output,
    stream_errors,
)
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.streaming.scoring import Pair, ScoreReport
    from mtcli.translating.scoring import PairScorer

app = typer.Typer()


@app.command(cls=Command)
def score(
    model: Annotated[
        list[Path],
        typer.Option("-m", "--model", help="Run folder or model folder; given again, an ensemble."),
    ],
    src: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sources, one a line; with --tgt.")
    ] = None,
    tgt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Their translations, one a line.")
    ] = None,
    tsv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Source, tab, translation on each line.",
            show_default="standard input",
        ),
    ] = None,
    per_token: Annotated[
        bool,
        typer.Option(
            "--per-token",
            help="Write a number for each piece of the translation and for its end.",
        ),
    ] = False,
    checkpoint: Annotated[
        str, typer.Option(help="Which model of a run: best (else the last), last, or step_N.")
    ] = "best",
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Pairs scored at once.", show_default="the model's"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    threads: Annotated[
        int | None, typer.Option(help="Threads of the CPU.", show_default="as torch chooses")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No notes, only errors.")] = False,
) -> None:
    """Print the log-probability of each translation, one number for each pair."""
    from mtcli.bundle.model_folder import read_model
    from mtcli.engines.loading import check_ensemble
    from mtcli.runs.resolve import resolve_model
    from mtcli.streaming.scoring import score_stream
    from mtcli.translating.scoring import PairScorer

    # whatever can be wrong is told before torch is imported, which takes seconds
    bundles = [read_model(resolve_model(path, checkpoint)) for path in model]
    check_ensemble(bundles)
    output = standard_output(PIPE_OUTPUT)
    with ExitStack() as files:
        pairs = _open_pairs(files, src, tgt, tsv)
        scorer = PairScorer.of_bundles(bundles, device=device, threads=threads, precision=precision)
        with stream_errors("scoring"):
            report = score_stream(scorer, pairs, output, batch_size=batch_size, per_token=per_token)
    if not quiet:
        _note_report(report, scorer)


def _open_pairs(
    files: ExitStack, src: Path | None, tgt: Path | None, tsv: Path | None
) -> Iterator[Pair]:
    from mtcli.streaming.scoring import read_file_pairs, read_tsv_pairs

    if (src is None) != (tgt is None):
        raise ConfigError(
            "--src and --tgt go together: line N of the one belongs to line N of the other"
        )
    if src is not None and tgt is not None:
        if tsv is not None:
            raise ConfigError("--tsv holds both sides of the pairs: leave --src and --tgt out")
        both = files.enter_context(open_input(src)), files.enter_context(open_input(tgt))
        return read_file_pairs(*both, (str(src), str(tgt)))
    source = files.enter_context(
        input_or_standard(tsv, "give `--tsv FILE`, or `--src FILE` and `--tgt FILE`")
    )
    return read_tsv_pairs(source, "standard input" if tsv is None else str(tsv))


def _note_report(report: ScoreReport, scorer: PairScorer) -> None:
    if report.num_invalid:
        _note(
            f"warning: {_pairs(report.num_invalid)} held bytes that are not UTF-8; they were"
            " replaced by U+FFFD"
        )
    if report.num_too_long:
        _note(
            f"warning: {_pairs(report.num_too_long)} with a side of more than"
            f" {scorer.max_length} pieces, more than the model has positions, got -inf"
        )


def _pairs(number: int) -> str:
    return "1 pair" if number == 1 else f"{number} pairs"


def _note(text: str) -> None:
    print(text, file=sys.stderr)
