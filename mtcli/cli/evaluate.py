"""`mtcli eval`: score translations, or the translations of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtcli.cli.command import Command
from mtcli.cli.eval_files import EvalFiles, EvalTexts, read_files, with_test_set
from mtcli.cli.eval_models import Search, documents_of, prepare_model, translate
from mtcli.cli.evaluate_options import (
    BaselinesOption,
    BatchSizeOption,
    BeamSizeOption,
    DocumentsOption,
    FailIfWorseOption,
    FailUnderOption,
    HypsOption,
    JsonOption,
    LowercaseOption,
    MetricsOption,
    ModelsOption,
    NoIntervalOption,
    OutputOption,
    PerSentenceOption,
    RefsOption,
    SrcLangOption,
    SrcsOption,
    TestSetOption,
    TgtLangOption,
    TokenizeOption,
)
from mtcli.cli.help import epilog
from mtcli.cli.options import CheckpointOption, DeviceOption
from mtcli.cli.score_checks import check_scores, parse_limits
from mtcli.cli.scored_texts import name_of
from mtcli.cli.sentence_scores import write_sentence_scores
from mtcli.cli.shown_scores import print_results
from mtcli.cli.streams import only
from mtcli.cli.text_warnings import warn_of_odd_texts
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.evaluation.measured import Scoring, Texts
    from mtcli.evaluation.results import Results

app = typer.Typer()


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli eval -m runs/demo --src data/demo/test.en --ref data/demo/test.de\n"
        "mtcli eval --hyp output.de --ref data/demo/test.de",
        "guides/evaluate.md",
    ),
)
def evaluate(
    refs: RefsOption = None,
    hyps: HypsOption = None,
    models: ModelsOption = None,
    srcs: SrcsOption = None,
    output: OutputOption = None,
    checkpoint: CheckpointOption = "best",
    beam_size: BeamSizeOption = None,
    batch_size: BatchSizeOption = None,
    device: DeviceOption = "auto",
    test_set: TestSetOption = None,
    metrics: MetricsOption = None,
    no_interval: NoIntervalOption = False,
    src_lang: SrcLangOption = None,
    tgt_lang: TgtLangOption = None,
    tokenize: TokenizeOption = None,
    lowercase: LowercaseOption = False,
    baselines: BaselinesOption = None,
    fail_under: FailUnderOption = None,
    fail_if_worse: FailIfWorseOption = False,
    per_sentence: PerSentenceOption = None,
    documents: DocumentsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score translations with BLEU, chrF and other metrics, as sacreBLEU does.

    Give `--hyp` to score a file, or `--model` and `--src` to translate and score. Line N of one
    file belongs to line N of the others; only a line feed ends a line. A file may be `-`, standard
    input. Each score is followed by its 95 % interval. A model that was trained on documents
    translates whole documents, which blank lines separate or `--documents` names.
    """
    from mtcli.config.languages import language_of_country
    from mtcli.config.metric_names import comet_model
    from mtcli.evaluation.measured import Scoring, Texts
    from mtcli.evaluation.metrics import choose_metrics

    if tgt_lang is not None and (language := language_of_country(tgt_lang)):
        raise ConfigError(
            f"`--tgt-lang {tgt_lang}` is a country code, not a language", hint=f"use `{language}`"
        )
    names = choose_metrics(metrics)
    limits = parse_limits(fail_under or [], names)
    found = with_test_set(test_set, only(srcs, "--src") if srcs else None, refs or [])
    files = replace(
        found,
        hyp=only(hyps, "--hyp") if hyps else None,
        model=only(models, "--model") if models else None,
        baseline=only(baselines, "--baseline") if baselines else None,
        documents=documents,
    )
    files.check(output)
    if files.src is None and any(comet_model(name) is not None for name in names):
        raise ConfigError("`comet` needs the sources of the translations", hint="add `--src FILE`")
    if fail_if_worse and files.baseline is None:
        raise ConfigError(
            "`--fail-if-worse` needs something to compare with", hint="add `--baseline`"
        )
    given = read_files(files)
    files.refuse_overwriting("--output", output)
    files.refuse_overwriting("--per-sentence", per_sentence)
    search = Search(checkpoint, beam_size, batch_size, device, src_lang, tgt_lang)
    systems, lang = _systems(files, given, (tgt_lang, tokenize), search, output)
    scoring = Scoring(lang, tokenize, lowercase)
    texts = Texts(systems[0], given.references, given.sources)
    _warn(files, texts, scoring, counts_words="bleu" in names)
    results = _results(names, texts, systems[1:], scoring)
    results = replace(results, documents=given.documents)
    if per_sentence is not None:
        write_sentence_scores(per_sentence, results, texts)
    print_results(results, as_json=as_json, with_intervals=not no_interval)
    check_scores(results, limits, names[0] if fail_if_worse else None)


def _systems(
    files: EvalFiles,
    given: EvalTexts,
    asked: tuple[str | None, str | None],
    search: Search,
    output: Path | None,
) -> tuple[list[list[str]], str]:
    """Translations of the system and of the baseline, if there is one; and their language."""
    from mtcli.evaluation.tokenization import check_tokenization

    asked_lang, tokenize = asked
    prepared = {model: prepare_model(model, search) for model in files.models}
    of_model = prepared[files.model].bundles[0].card.tgt_lang if files.model else None
    lang = asked_lang or of_model or files.tgt_lang or "en"
    check_tokenization(lang, tokenize)  # before the minutes of translating
    systems = []
    for path, lines, file in (
        (files.model, given.hypotheses, output),
        (files.baseline, given.baseline, None),
    ):
        if lines is not None:
            systems.append(lines)
        elif path is not None:
            sources = given.sources or []
            documents = documents_of(prepared[path], sources, given.documents)
            systems.append(translate(prepared[path], sources, file, documents))
    return systems, lang


def _results(
    names: Sequence[str], texts: Texts, baselines: Sequence[list[str]], scoring: Scoring
) -> Results:
    """Measure the system, and compare it with the baseline if there is one."""
    from mtcli.evaluation.metrics import measure
    from mtcli.evaluation.results import Results
    from mtcli.evaluation.significance import compare

    measured = {name: measure(name, texts, scoring) for name in names}
    baseline = {
        name: measure(name, replace(texts, hypotheses=lines), scoring)
        for lines in baselines
        for name in names
    }
    comparisons = {name: compare(measured[name], of_name) for name, of_name in baseline.items()}
    return Results(measured, baseline, comparisons)


def _warn(files: EvalFiles, texts: Texts, scoring: Scoring, *, counts_words: bool) -> None:
    from mtcli.evaluation.odd_texts import NamedTexts

    name = "the translation" if files.hyp is None else name_of(files.hyp)
    references = [
        NamedTexts(name_of(ref), lines)
        for ref, lines in zip(files.refs, texts.references, strict=True)
    ]
    warn_of_odd_texts(
        NamedTexts(name, texts.hypotheses), references, texts.sources, scoring,
        counts_words=counts_words,
    )  # fmt: skip
