"""`mtcli score`: the log-probability that a model gives to each pair of source and target."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from mtcli.errors import ConfigError, DataError, MtcliError

if TYPE_CHECKING:
    from mtcli.translating.scoring import Pair, PairScorer, ScoreReport

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
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
    """Write the log-probability of each translation: one number out per pair in, in order."""
    from mtcli.bundle.model_folder import read_model
    from mtcli.bundle.resolve import resolve_model
    from mtcli.translating.loading import check_same_vocabulary
    from mtcli.translating.scoring import PairScorer, score_stream

    # whatever can be wrong is told before torch is imported, which takes seconds
    bundles = [read_model(resolve_model(path, checkpoint)) for path in model]
    check_same_vocabulary(bundles)
    with ExitStack() as files:
        pairs = _open_pairs(files, src, tgt, tsv)
        scorer = PairScorer.of_bundles(bundles, device=device, threads=threads, precision=precision)
        try:
            report = score_stream(
                scorer, pairs, sys.stdout.buffer, batch_size=batch_size, per_token=per_token
            )
        except BrokenPipeError:
            # `| head` has seen enough; the interpreter must not flush into the void
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            raise MtcliError(f"scoring failed: {error.strerror or error}") from error
    if not quiet:
        _note_report(report, scorer)


def _open_pairs(
    files: ExitStack, src: Path | None, tgt: Path | None, tsv: Path | None
) -> Iterator[Pair]:
    from mtcli.translating.scoring import read_file_pairs, read_tsv_pairs

    if (src is None) != (tgt is None):
        raise ConfigError(
            "--src and --tgt go together: line N of the one belongs to line N of the other"
        )
    if src is not None and tgt is not None:
        if tsv is not None:
            raise ConfigError("--tsv holds both sides of the pairs: leave --src and --tgt out")
        return read_file_pairs(_open(files, src), _open(files, tgt), (str(src), str(tgt)))
    if tsv is not None:
        return read_tsv_pairs(_open(files, tsv), str(tsv))
    return read_tsv_pairs(sys.stdin.buffer, "standard input")


def _open(files: ExitStack, path: Path) -> BinaryIO:
    try:
        return files.enter_context(path.open("rb"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


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
