"""`mtcli score`: the log-probability that a model gives to each pair of source and target."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.bars import progress_bar
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.language_options import SrcLangOption, TgtLangOption
from mtcli.cli.notes import counted, note, note_invalid
from mtcli.cli.options import CheckpointOption, DeviceOption, PrecisionOption, QuietOption
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


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli score -m runs/demo --src test.en --tgt test.de > scores.txt", "guides/score.md"
    ),
)
def score(
    model: Annotated[
        list[Path],
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL",
            help="Run folder or model folder. Repeat it to score with an ensemble.",
        ),
    ],
    src: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sources, one per line; needs `--tgt`.")
    ] = None,
    tgt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Translations of `--src`, one per line.")
    ] = None,
    tsv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Pairs: a source, a tab and a translation on each line.",
            show_default="standard input",
        ),
    ] = None,
    per_token: Annotated[
        bool,
        typer.Option(
            "--per-token",
            help="Print a number for each piece of the translation and for its end.",
        ),
    ] = False,
    src_lang: SrcLangOption = None,
    tgt_lang: TgtLangOption = None,
    checkpoint: CheckpointOption = "best",
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Pairs scored at once.", show_default="the model's"),
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="Number of CPU threads.", show_default="torch's choice"),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Print the log-probability of each translation.

    There is one line for each pair of source and translation, in their order.
    """
    from mtcli.engines.choice import EngineOptions
    from mtcli.streaming.scoring import score_stream
    from mtcli.translating.request import TranslationRequest, prepare_scorer

    how = EngineOptions("torch", device, precision, threads)
    request = TranslationRequest(
        models=tuple(model),
        checkpoint=checkpoint,
        src_lang=src_lang,
        tgt_lang=tgt_lang,
        engine=how,
    )
    # every mistake is told before torch is imported, which takes seconds
    prepared = prepare_scorer(request)
    output = standard_output(PIPE_OUTPUT)
    with ExitStack() as files:
        pairs = _open_pairs(files, src, tgt, tsv)
        file = src or tsv
        has_bar = not quiet and file is not None and not sys.stdout.isatty()
        bar = files.enter_context(progress_bar("scoring", "pairs", is_wanted=has_bar))
        bar.expect_lines(file)
        scorer = prepared.open_scorer()
        with stream_errors("scoring"):
            report = score_stream(
                scorer, pairs, output,
                batch_size=batch_size, per_token=per_token, progress=bar.move,
            )  # fmt: skip
    if not quiet:
        _note_report(report, scorer)


def _open_pairs(
    files: ExitStack, src: Path | None, tgt: Path | None, tsv: Path | None
) -> Iterator[Pair]:
    from mtcli.streaming.scoring import read_file_pairs, read_tsv_pairs

    if (src is None) != (tgt is None):
        raise ConfigError("`--src` and `--tgt` need each other", hint="give both, or use `--tsv`")
    if src is not None and tgt is not None:
        if tsv is not None:
            raise ConfigError(
                "`--tsv` holds both sides of the pairs", hint="remove `--src` and `--tgt`"
            )
        both = files.enter_context(open_input(src)), files.enter_context(open_input(tgt))
        return read_file_pairs(*both, (str(src), str(tgt)))
    source = files.enter_context(
        input_or_standard(tsv, "give `--tsv FILE`, or `--src FILE` and `--tgt FILE`")
    )
    return read_tsv_pairs(source, "standard input" if tsv is None else str(tsv))


def _note_report(report: ScoreReport, scorer: PairScorer) -> None:
    note_invalid(report.num_invalid, "pair")
    if report.num_too_long:
        note(
            f"warning: {counted(report.num_too_long, 'pair')} got -inf because a side has more than"
            f" {scorer.max_length} pieces, the most that the model takes"
        )
