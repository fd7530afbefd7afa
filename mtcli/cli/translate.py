"""`mtcli translate`: lines of text in, one translation out for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

from mtcli.cli.bars import progress_bar
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.language_options import TranslateSrcLangOption, TranslateTgtLangOption
from mtcli.cli.notes import counted, note
from mtcli.cli.options import CheckpointOption, MaxLineBytesOption
from mtcli.cli.streams import check_output, input_or_standard, output_or_standard, stream_errors
from mtcli.cli.translate_options import (
    AlignmentOption,
    BatchSizeOption,
    BeamSizeOption,
    DeviceOption,
    DocumentsOption,
    EngineOption,
    InputOption,
    JsonlOption,
    LengthPenaltyOption,
    LineBufferedOption,
    MaxLengthOption,
    ModelsOption,
    NBestOption,
    NoRepeatNgramOption,
    NormalizationOption,
    OutputOption,
    PrecisionOption,
    PrefixOption,
    QuietOption,
    RepetitionPenaltyOption,
    ResumeOption,
    RetryOption,
    ReviewOption,
    SampleOption,
    SeedOption,
    SplitSentencesOption,
    TemperatureOption,
    ThreadsOption,
    TopKOption,
    TopPOption,
    WorstOption,
)
from mtcli.cli.translate_report import describe_choice, note_other_kind, note_report
from mtcli.errors import ConfigError
from mtcli.system.raw_lines import MAX_LINE_BYTES

if TYPE_CHECKING:
    from mtcli.decoding.options import Sampling
    from mtcli.engines.protocol import Report
    from mtcli.streaming.resume import ResumePoint
    from mtcli.streaming.review import Review
    from mtcli.streaming.stream import StreamOptions, StreamReport
    from mtcli.translating.request import PreparedRequest
    from mtcli.translating.translator import Translator

app = typer.Typer()


_WORST = "10%"


@app.command(
    cls=Command,
    epilog=epilog("mtcli translate -m runs/demo -i input.en -o output.de", "guides/translate.md"),
)
def translate(
    model: ModelsOption,
    checkpoint: CheckpointOption = "best",
    input_path: InputOption = None,
    output_path: OutputOption = None,
    resume: ResumeOption = False,
    line_buffered: LineBufferedOption = False,
    n_best: NBestOption = None,
    jsonl: JsonlOption = False,
    review: ReviewOption = None,
    worst: WorstOption = None,
    alignment: AlignmentOption = False,
    prefix: PrefixOption = False,
    src_lang: TranslateSrcLangOption = None,
    tgt_lang: TranslateTgtLangOption = None,
    split_sentences: SplitSentencesOption = False,
    documents: DocumentsOption = False,
    max_line_bytes: MaxLineBytesOption = MAX_LINE_BYTES,
    quiet: QuietOption = False,
    beam_size: BeamSizeOption = None,
    normalization: NormalizationOption = None,
    length_penalty: LengthPenaltyOption = None,
    max_length: MaxLengthOption = None,
    no_repeat_ngram: NoRepeatNgramOption = 0,
    repetition_penalty: RepetitionPenaltyOption = 1.0,
    retry: RetryOption = True,
    sample: SampleOption = False,
    temperature: TemperatureOption = 1.0,
    top_k: TopKOption = None,
    top_p: TopPOption = None,
    seed: SeedOption = 0,
    engine: EngineOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    threads: ThreadsOption = None,
    batch_size: BatchSizeOption = None,
) -> None:
    """Translate text: one line out for each line in, in their order.

    Only a line feed ends a line. Blank lines are returned as they are.
    """
    from mtcli.engines.choice import EngineOptions
    from mtcli.streaming.stream import StreamOptions
    from mtcli.translating.request import TranslationRequest, prepare

    request = TranslationRequest(
        models=tuple(model),
        checkpoint=checkpoint,
        src_lang=src_lang,
        tgt_lang=tgt_lang,
        engine=EngineOptions(engine, device, precision, threads),
        overrides={
            "beam_size": beam_size,
            "normalization": normalization,
            "length_penalty": length_penalty,
            "max_length": max_length,
            "batch_size": batch_size,
        },
        num_hypotheses=1 if n_best is None else n_best,
        with_scores=jsonl or n_best is not None or review is not None,
        no_repeat_ngram=no_repeat_ngram,
        repetition_penalty=repetition_penalty,
        sampling=_sampling(sample, seed, temperature, top_k, top_p),
        splits_sentences=split_sentences,
        retries=retry,
        has_alignments=alignment,
        has_prefixes=prefix,
        reads_documents=documents,
    )
    # every mistake is told before torch is imported, which takes seconds
    prepared = prepare(request)
    check_output(output_path, input_path, resume=_checked(resume, documents=documents))
    options = StreamOptions(
        lists_n_best=n_best is not None,
        is_jsonl=jsonl,
        is_line_buffered=line_buffered,
        has_prefixes=prefix,
        has_alignments=alignment,
        max_line_bytes=max_line_bytes,
    )
    # lines on a terminal, typed or answered, say themselves how far it is
    has_bar = input_path is not None and (output_path is not None or not sys.stdout.isatty())
    names = f"{input_path or 'standard input'} to {output_path or 'standard output'}"
    with (
        _reviewing(review, worst, resume=resume, quiet=quiet) as reviewed,
        input_or_standard(input_path, "give `--input FILE`") as source,
        stream_errors(f"translating {names}"),
    ):
        done = _resume(source, output_path, options) if resume and output_path else None
        if not quiet:
            _note_start(prepared, done, output_path, is_terminal=source.isatty())
            if input_path is not None and not prefix:
                note_other_kind(input_path)
        with progress_bar("translating", "lines", is_wanted=not quiet and has_bar) as bar:
            bar.expect_lines(input_path, done.num_lines if done else 0)
            translator = prepared.open()
            with output_or_standard(output_path, done and done.num_bytes) as sink:
                report = _stream(translator, source, sink, options, done, reviewed, bar.move)
    if not quiet:
        note_report(report, translator, max_line_bytes)


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


def _checked(resume: bool, *, documents: bool) -> bool:
    """Whether to resume.

    Raises:
        ConfigError: documents would be resumed.
    """
    if documents and resume:
        raise ConfigError(
            "`--documents` does not go with `--resume`, which could begin inside a document",
            hint="translate the file again, or remove one of the two",
        )
    return resume


def _resume(source: BinaryIO, output_path: Path, options: StreamOptions) -> ResumePoint:
    """Find where the output ends, and skip the lines that it answers."""
    from mtcli.streaming.resume import find_resume_point, skip_lines
    from mtcli.system.stream_errors import naming_streams

    done = find_resume_point(output_path, options.layout)
    with naming_streams():
        skip_lines(source, done.num_lines, str(output_path))
    return done


def _stream(
    translator: Translator,
    source: BinaryIO,
    sink: BinaryIO,
    options: StreamOptions,
    done: ResumePoint | None,
    review: Review | None,
    progress: Report,
) -> StreamReport:
    from mtcli.streaming.stream import translate_stream

    options = replace(
        options,
        is_line_buffered=options.is_line_buffered or source.isatty(),
        num_done=done.num_lines if done else 0,
    )
    return translate_stream(translator, source, sink, options, review, progress)


@contextmanager
def _reviewing(
    path: Path | None, worst: str | None, *, resume: bool, quiet: bool
) -> Iterator[Review | None]:
    """Collect translations inside, and write the worst of them to `path` at the end.

    Raises:
        ConfigError: `--worst` is not valid, or the options do not go together.
        MtcliError: the file cannot be written.
    """
    from mtcli.streaming.review import Review, parse_worst
    from mtcli.system.stream_errors import naming_streams

    if path is None:
        if worst is not None:
            raise ConfigError("`--worst` needs `--review`", hint="add `--review FILE`")
        yield None
        return
    if resume:
        raise ConfigError(
            "`--review` does not go with `--resume`: lines that were answered before have no"
            " confidence",
            hint="translate the file again, or remove one of the two",
        )
    check_output(path, None, resume=False)
    with stream_errors(f"writing the translations to review to {path}"):
        with naming_streams():
            review = Review(path, parse_worst(worst or _WORST))
        with review:
            yield review
            with naming_streams():
                number = review.write()
    if not quiet:
        note(f"{path} has {counted(number, 'translation')} to review, least certain first")


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
        note(describe_choice(Path(path), request.checkpoint, bundle.path))
    if prepared.choice and prepared.choice.reason:
        note(prepared.choice.reason)
    if done is not None:
        note(f"resuming {output_path} after {counted(done.num_lines, 'line')}")
    if is_terminal:
        note("type lines to translate; end with Ctrl-D")
