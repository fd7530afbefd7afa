"""`mtcli translate`: lines of text in, one translation out for each."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.command import Command
from mtcli.cli.streams import check_output, input_or_standard, output_or_standard, stream_errors
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.decoding.options import Sampling
    from mtcli.streaming.stream import StreamReport
    from mtcli.translating.translator import Translator

app = typer.Typer()


OF_THE_MODEL = "the model's"
"""Shown as the default of what `generation.json` of the model folder says."""


@app.command(cls=Command)
def translate(
    model: Annotated[
        list[Path],
        typer.Option("-m", "--model", help="Run folder or model folder; given again, an ensemble."),
    ],
    input_path: Annotated[
        Path | None,
        typer.Option("-i", "--input", help="File to read.", show_default="standard input"),
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write.", show_default="standard output"),
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="Which model of a run: best (else the last), last, or step_N.")
    ] = "best",
    beam_size: Annotated[
        int | None,
        typer.Option(help="Width of the beam; 1 is greedy.", show_default=OF_THE_MODEL),
    ] = None,
    length_penalty: Annotated[
        float | None,
        typer.Option(help="Exponent of the length penalty.", show_default=OF_THE_MODEL),
    ] = None,
    normalization: Annotated[
        str | None, typer.Option(help="average, gnmt or none.", show_default=OF_THE_MODEL)
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Longest output, in pieces.", show_default=OF_THE_MODEL)
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Sentences translated at once; 1 is --line-buffered, too.",
            show_default=OF_THE_MODEL,
        ),
    ] = None,
    n_best: Annotated[
        int | None,
        typer.Option(metavar="N", help="Write the N best translations of a line, with scores."),
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Write a JSON object a line, with scores and flags.")
    ] = False,
    alignment: Annotated[
        bool,
        typer.Option(
            "--alignment",
            help="Say which words come from which: text ||| 0-0 1-2, source word first.",
        ),
    ] = False,
    prefix: Annotated[
        bool,
        typer.Option(
            "--prefix",
            help="What follows the first tab of a line is how its translation begins.",
        ),
    ] = False,
    split_sentences: Annotated[
        bool,
        typer.Option(
            "--split-sentences", help="Translate the sentences of a line one by one (extra split)."
        ),
    ] = False,
    line_buffered: Annotated[
        bool,
        typer.Option(
            "--line-buffered",
            help="Answer each line before the next is read; so it is on a terminal.",
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where an --output that was begun is complete."),
    ] = False,
    retry: Annotated[
        bool,
        typer.Option(help="Translate once more, with other settings, what repeats itself."),
    ] = True,
    no_repeat_ngram: Annotated[
        int, typer.Option(metavar="N", help="No n-gram of N pieces twice in an output; 0: allowed.")
    ] = 0,
    repetition_penalty: Annotated[
        float, typer.Option(help="Above 1 makes pieces that came already less likely.")
    ] = 1.0,
    sample: Annotated[
        bool, typer.Option("--sample", help="Draw outputs at random; --n-best N draws N.")
    ] = False,
    temperature: Annotated[
        float, typer.Option(help="With --sample: below 1 prefers what is likely.")
    ] = 1.0,
    top_k: Annotated[
        int | None,
        typer.Option(help="With --sample: among the K likeliest pieces.", show_default="all"),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            help="With --sample: among the fewest pieces of that probability.", show_default="all"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="With --sample: another seed draws other outputs.")] = 0,
    engine: Annotated[
        str,
        typer.Option(help="auto, torch or ctranslate2; auto takes the fastest that can do it."),
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    threads: Annotated[
        int | None, typer.Option(help="Threads of the CPU.", show_default="as the engine chooses")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No notes, only errors.")] = False,
) -> None:
    """Translate text: one line out for each line in, in the same order.

    A line ends at a line feed and nowhere else; blank lines come back as they are.
    """
    from mtcli.bundle.model_folder import read_model
    from mtcli.engines.choice import EngineRequest, choose_engine
    from mtcli.engines.loading import check_ensemble
    from mtcli.engines.protocol import TranslateOptions
    from mtcli.runs.resolve import resolve_model
    from mtcli.streaming.resume import ResumePoint, find_resume_point, skip_lines
    from mtcli.streaming.stream import StreamOptions, translate_stream
    from mtcli.translating.options import (
        AnswerOptions,
        check_num_hypotheses,
        choose_generation,
    )
    from mtcli.translating.sentences import load_splitter
    from mtcli.translating.translator import Translator

    # whatever can be wrong is told before torch is imported, which takes seconds
    chosen = [resolve_model(path, checkpoint) for path in model]
    bundle, *others = (read_model(path, check_weights=False) for path in chosen)
    check_ensemble([bundle, *others])
    generation = choose_generation(
        bundle.generation,
        beam_size=beam_size,
        length_penalty=length_penalty,
        normalization=normalization,
        max_length=max_length,
        batch_size=batch_size,
    )
    if n_best is not None and not sample:
        check_num_hypotheses(n_best, generation.beam_size)
    options = StreamOptions(
        generation,
        n_best,
        is_jsonl=jsonl,
        answers=AnswerOptions(
            splitter=load_splitter(bundle.card.src_lang) if split_sentences else None,
            retries=retry,
            has_alignments=alignment,
        ),
        has_prefixes=prefix,
    )
    search = TranslateOptions(
        beam_size=generation.beam_size,
        num_hypotheses=n_best or 1,
        normalization=generation.normalization,
        length_penalty=generation.length_penalty,
        no_repeat_ngram=no_repeat_ngram,
        repetition_penalty=repetition_penalty,
        sampling=_sampling(sample, seed, temperature, top_k, top_p),
    )
    request = EngineRequest(
        engine,
        device,
        precision,
        threads,
        search,
        tuple(others),
        only_torch="alignments" if alignment else "prefixes" if prefix else "",
    )
    choice = choose_engine(bundle, request)
    check_output(output_path, input_path, resume=resume)
    names = f"{input_path or 'standard input'} to {output_path or 'standard output'}"
    with (
        input_or_standard(input_path, "give `--input FILE`") as source,
        stream_errors(f"translating {names}"),
    ):
        done = ResumePoint(0, 0)
        if resume and output_path is not None:
            done = find_resume_point(output_path, options.layout)
            skip_lines(source, done.num_lines, str(output_path))
        if not quiet:
            for path, folder in zip(model, chosen, strict=True):
                _note(_describe_choice(path, checkpoint, folder))
            if choice.reason:
                _note(choice.reason)
            if resume:
                _note(f"{output_path} answers {_lines(done.num_lines)}, going on with the next")
        translator = Translator.of_bundle(bundle, request, choice)
        is_terminal = source.isatty()
        if is_terminal and not quiet:
            _note("type lines to translate; Ctrl-D ends")
        options = replace(
            options, is_line_buffered=line_buffered or is_terminal, num_done=done.num_lines
        )
        with output_or_standard(output_path, done.num_bytes if resume else None) as sink:
            report = translate_stream(translator, source, sink, options)
    if not quiet:
        _note_report(report, translator)


def _sampling(
    sample: bool, seed: int, temperature: float, top_k: int | None, top_p: float | None
) -> Sampling | None:
    """How to draw; None searches.

    Raises:
        ConfigError: an option of sampling without `--sample`, or one that makes no sense.
    """
    from mtcli.decoding.options import Sampling

    sampling = Sampling(seed=seed, temperature=temperature, top_k=top_k, top_p=top_p)
    if not sample and sampling != Sampling():
        raise ConfigError("--temperature, --top-k, --top-p and --seed need --sample")
    return sampling if sample else None


def _describe_choice(model: Path, checkpoint: str, chosen: Path) -> str:
    """Which model of a run it is that translates."""
    if chosen == model:
        return f"translating with {model}"
    which = {"best": "the best model", "last": "the last model"}.get(checkpoint, "a model")
    if checkpoint == "best" and not (model / "best").exists():
        which = "the last model (none was found best yet)"
    return f"translating with {chosen}, {which} of {model}"


def _note_report(report: StreamReport, translator: Translator) -> None:
    if report.num_invalid:
        _note(
            f"warning: {_lines(report.num_invalid)} held bytes that are not UTF-8; they were"
            " replaced by U+FFFD"
        )
    if report.num_over_limit:
        _note(
            f"{_lines(report.num_over_limit)} of more than {translator.max_src_length} pieces,"
            " longer than any in training, translated in parts"
        )
    if report.num_truncated:
        _note(
            f"warning: {_lines(report.num_truncated)} got a translation that the model did not end"
            " within the longest length"
        )
    if report.num_repeated:
        _note(f"warning: {_lines(report.num_repeated)} got a translation that repeats itself")


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"


def _note(text: str) -> None:
    print(text, file=sys.stderr)
