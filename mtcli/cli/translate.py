"""`mtcli translate`: lines of text in, one translation out for each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from mtcli.cli.command import Command
from mtcli.cli.notes import counted, note, note_invalid
from mtcli.cli.streams import check_output, input_or_standard, output_or_standard, stream_errors
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.decoding.options import Sampling
    from mtcli.streaming.resume import ResumePoint
    from mtcli.streaming.stream import StreamOptions, StreamReport
    from mtcli.translating.request import PreparedRequest
    from mtcli.translating.translator import Translator

app = typer.Typer()


OF_THE_MODEL = "the model's"
"""Shown as the default of what `generation.json` of the model folder says."""

INPUT_OUTPUT, SEARCH, SAMPLING, ENGINE = "Input and output", "Search", "Sampling", "Engine"
"""Sections of the help page."""


@app.command(cls=Command)
def translate(
    model: Annotated[
        list[Path],
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL",
            help="Run folder or model folder. Repeat it to translate with an ensemble.",
        ),
    ],
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="WHICH",
            help="Which model of a run: `best` (the last if none is best yet), `last` or `step_N`.",
        ),
    ] = "best",
    input_path: Annotated[
        Path | None,
        typer.Option(
            "-i",
            "--input",
            metavar="FILE",
            help="File to read.",
            show_default="standard input",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="File to write.",
            show_default="standard output",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume a partial `--output`.", rich_help_panel=INPUT_OUTPUT),
    ] = False,
    line_buffered: Annotated[
        bool,
        typer.Option(
            "--line-buffered",
            help="Answer each line before reading the next; always on for a terminal.",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = False,
    n_best: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Write the N best translations of each line, with scores.",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = None,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help="Write a JSON object for each line, with scores and flags.",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = False,
    alignment: Annotated[
        bool,
        typer.Option(
            "--alignment",
            help="Add word alignments: `text ||| 0-0 1-2`, source word first.",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = False,
    prefix: Annotated[
        bool,
        typer.Option(
            "--prefix",
            help="Begin each translation with the text after the first tab of its line.",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = False,
    split_sentences: Annotated[
        bool,
        typer.Option(
            "--split-sentences",
            help="Translate the sentences of a line one by one (needs `mtcli[split]`).",
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("-q", "--quiet", help="Print errors only.", rich_help_panel=INPUT_OUTPUT),
    ] = False,
    beam_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Beam width; 1 is greedy search.",
            show_default=OF_THE_MODEL,
            rich_help_panel=SEARCH,
        ),
    ] = None,
    normalization: Annotated[
        str | None,
        typer.Option(
            metavar="FORM",
            help="Normalize scores by length: `average`, `gnmt` or `none`.",
            show_default=OF_THE_MODEL,
            rich_help_panel=SEARCH,
        ),
    ] = None,
    length_penalty: Annotated[
        float | None,
        typer.Option(
            metavar="A",
            help="Exponent of the length in the normalization.",
            show_default=OF_THE_MODEL,
            rich_help_panel=SEARCH,
        ),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Longest translation, in pieces.",
            show_default=OF_THE_MODEL,
            rich_help_panel=SEARCH,
        ),
    ] = None,
    no_repeat_ngram: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Block n-grams of N pieces from repeating; 0 allows all.",
            rich_help_panel=SEARCH,
        ),
    ] = 0,
    repetition_penalty: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Make repeated pieces less likely: above 1; 1 is off.",
            rich_help_panel=SEARCH,
        ),
    ] = 1.0,
    retry: Annotated[
        bool,
        typer.Option(
            help="Translate lines again with other settings if they repeat themselves.",
            rich_help_panel=SEARCH,
        ),
    ] = True,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Draw translations at random; `--n-best N` draws N.",
            rich_help_panel=SAMPLING,
        ),
    ] = False,
    temperature: Annotated[
        float,
        typer.Option(
            metavar="T",
            help="Divide log-probabilities by T; below 1 prefers likely pieces.",
            rich_help_panel=SAMPLING,
        ),
    ] = 1.0,
    top_k: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Draw from the K likeliest pieces.",
            show_default="all",
            rich_help_panel=SAMPLING,
        ),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Draw from the fewest pieces that have probability P together.",
            show_default="all",
            rich_help_panel=SAMPLING,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help="Draw other samples with another seed.", rich_help_panel=SAMPLING
        ),
    ] = 0,
    engine: Annotated[
        str,
        typer.Option(
            metavar="ENGINE",
            help="Use `torch`, `ctranslate2`, or `auto`: the fastest that supports the request.",
            rich_help_panel=ENGINE,
        ),
    ] = "auto",
    device: Annotated[
        str,
        typer.Option(
            metavar="DEVICE", help="Use `auto`, `cpu`, `cuda` or `mps`.", rich_help_panel=ENGINE
        ),
    ] = "auto",
    precision: Annotated[
        str,
        typer.Option(
            metavar="TYPE", help="Compute in `fp32`, `bf16` or `fp16`.", rich_help_panel=ENGINE
        ),
    ] = "fp32",
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Number of CPU threads.",
            show_default="the engine's choice",
            rich_help_panel=ENGINE,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Sentences translated at once; 1 implies `--line-buffered`.",
            show_default=OF_THE_MODEL,
            rich_help_panel=ENGINE,
        ),
    ] = None,
) -> None:
    """Translate text: one line out for each line in, in the same order.

    Only a line feed ends a line. Blank lines are returned as they are.
    """
    from mtcli.engines.choice import EngineOptions
    from mtcli.streaming.stream import StreamOptions
    from mtcli.translating.request import TranslationRequest, prepare

    request = TranslationRequest(
        models=tuple(model),
        checkpoint=checkpoint,
        engine=EngineOptions(engine, device, precision, threads),
        overrides={
            "beam_size": beam_size,
            "normalization": normalization,
            "length_penalty": length_penalty,
            "max_length": max_length,
            "batch_size": batch_size,
        },
        num_hypotheses=1 if n_best is None else n_best,
        with_scores=jsonl or n_best is not None,
        no_repeat_ngram=no_repeat_ngram,
        repetition_penalty=repetition_penalty,
        sampling=_sampling(sample, seed, temperature, top_k, top_p),
        splits_sentences=split_sentences,
        retries=retry,
        has_alignments=alignment,
        has_prefixes=prefix,
    )
    # every mistake is told before torch is imported, which takes seconds
    prepared = prepare(request)
    check_output(output_path, input_path, resume=resume)
    options = StreamOptions(
        lists_n_best=n_best is not None,
        is_jsonl=jsonl,
        is_line_buffered=line_buffered,
        has_prefixes=prefix,
    )
    names = f"{input_path or 'standard input'} to {output_path or 'standard output'}"
    with (
        input_or_standard(input_path, "give `--input FILE`") as source,
        stream_errors(f"translating {names}"),
    ):
        done = _resume(source, output_path, options) if resume and output_path else None
        if not quiet:
            _note_start(prepared, done, output_path, is_terminal=source.isatty())
        translator = prepared.open()
        with output_or_standard(output_path, done and done.num_bytes) as sink:
            report = _stream(translator, source, sink, options, done)
    if not quiet:
        _note_report(report, translator)


def _sampling(
    sample: bool, seed: int, temperature: float, top_k: int | None, top_p: float | None
) -> Sampling | None:
    """How to draw; None searches.

    Raises:
        ConfigError: an option of sampling without `--sample`, or one that is out of range.
    """
    from mtcli.decoding.options import Sampling

    sampling = Sampling(seed=seed, temperature=temperature, top_k=top_k, top_p=top_p)
    if not sample and sampling != Sampling():
        raise ConfigError(
            "`--temperature`, `--top-k`, `--top-p` and `--seed` need `--sample`",
            hint="add `--sample`, or remove them",
        )
    return sampling if sample else None


def _resume(source: BinaryIO, output_path: Path, options: StreamOptions) -> ResumePoint:
    """Find where the output ends, and skip the lines that it answers."""
    from mtcli.streaming.resume import find_resume_point, skip_lines

    done = find_resume_point(output_path, options.layout)
    skip_lines(source, done.num_lines, str(output_path))
    return done


def _stream(
    translator: Translator,
    source: BinaryIO,
    sink: BinaryIO,
    options: StreamOptions,
    done: ResumePoint | None,
) -> StreamReport:
    from mtcli.streaming.stream import translate_stream

    options = replace(
        options,
        is_line_buffered=options.is_line_buffered or source.isatty(),
        num_done=done.num_lines if done else 0,
    )
    return translate_stream(translator, source, sink, options)


def _note_start(
    prepared: PreparedRequest,
    done: ResumePoint | None,
    output_path: Path | None,
    *,
    is_terminal: bool,
) -> None:
    """Say what translates, where it resumes, and what a terminal's user can do."""
    request = prepared.request
    for path, bundle in zip(request.models, prepared.bundles, strict=True):
        note(_describe_choice(Path(path), request.checkpoint, bundle.path))
    if prepared.choice and prepared.choice.reason:
        note(prepared.choice.reason)
    if done is not None:
        note(f"resuming {output_path} after {counted(done.num_lines, 'line')}")
    if is_terminal:
        note("type lines to translate; end with Ctrl-D")


def _describe_choice(model: Path, checkpoint: str, chosen: Path) -> str:
    """Which model of a run translates."""
    if chosen == model:
        return f"translating with {model}"
    which = {"best": "the best model", "last": "the last model"}.get(checkpoint, "a model")
    if checkpoint == "best" and not (model / "best").exists():
        which = "the last model (no validation found a best one yet)"
    return f"translating with {chosen}, {which} of {model}"


def _note_report(report: StreamReport, translator: Translator) -> None:
    """Say what a reader of the translations should know."""
    note_invalid(report.num_invalid, "line")
    if report.num_over_limit:
        note(
            f"{counted(report.num_over_limit, 'line')} of more than {translator.max_src_length}"
            " pieces, longer than any in training, translated in parts"
        )
    if report.num_truncated:
        note(
            f"warning: {counted(report.num_truncated, 'line')} got a translation that was cut off"
            " at its longest length"
        )
    if report.num_repeated:
        note(
            f"warning: {counted(report.num_repeated, 'line')} got a translation that repeats itself"
        )
