"""`mtcli eval`: score translations, or the translations of a model, with BLEU and chrF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.bars import progress_bar
from mtcli.cli.choices import TOKENIZATIONS, completing
from mtcli.cli.command import Command
from mtcli.cli.help import epilog
from mtcli.cli.notes import note
from mtcli.cli.options import CheckpointOption, DeviceOption
from mtcli.cli.scored_texts import (
    check_counts,
    name_of,
    read_texts,
    refuse_overwriting,
    refuse_sharing_standard_input,
    write_texts,
)
from mtcli.cli.streams import only
from mtcli.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mtcli.evaluation.metrics import Score
    from mtcli.evaluation.odd_texts import NamedTexts
    from mtcli.translating.request import TranslationRequest

app = typer.Typer()

HYP_OR_MODEL = "use `--hyp` to score a file, or `--model` and `--src` to translate and score"

HINTS = {
    "blank": "complete it, or remove these lines from all files",
    "tokenized": "use `--tokenize none` to score it as it is",
    "escaped": "unescape it, for example with Python's `html.unescape`",
    "unspaced": "use `--tokenize char`",
    "short": "read chrF, or use `--tokenize char`",
}
"""What to do, by the oddity of a text."""

TRANSLATE, SCORE = "Translate and score", "Scoring"
"""Sections of the help page."""


@dataclass(frozen=True)
class _Scoring:
    """How to score."""

    tgt_lang: str
    tokenize: str | None
    is_lowercase: bool


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli eval -m runs/demo --src data/demo/test.en --ref data/demo/test.de\n"
        "mtcli eval --hyp output.de --ref data/demo/test.de",
        "guides/evaluate.md",
    ),
)
def evaluate(
    refs: Annotated[
        list[Path],
        typer.Option(
            "--ref",
            metavar="FILE",
            help="Reference translations. Repeat it for several references.",
        ),
    ],
    hyps: Annotated[
        list[Path] | None, typer.Option("--hyp", metavar="FILE", help="Translations to score.")
    ] = None,
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL",
            help="Run folder or model folder to translate with.",
            rich_help_panel=TRANSLATE,
        ),
    ] = None,
    srcs: Annotated[
        list[Path] | None,
        typer.Option(
            "--src",
            metavar="FILE",
            help="Text that `--model` translates.",
            rich_help_panel=TRANSLATE,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the translations here, too.", rich_help_panel=TRANSLATE
        ),
    ] = None,
    checkpoint: CheckpointOption = "best",
    beam_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Beam width; 1 is greedy search.",
            show_default="the model's",
            rich_help_panel=TRANSLATE,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Sentences translated at once.",
            show_default="the model's",
            rich_help_panel=TRANSLATE,
        ),
    ] = None,
    device: DeviceOption = "auto",
    tgt_lang: Annotated[
        str | None,
        typer.Option(
            metavar="LANG",
            help="Choose BLEU's tokenization by language, such as `zh`, `ja` or `ko`.",
            show_default="the model's, or 13a",
            rich_help_panel=SCORE,
        ),
    ] = None,
    tokenize: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Choose BLEU's tokenization by name: `13a`, `intl`, `char`, `none`, ...",
            autocompletion=completing(TOKENIZATIONS),
            rich_help_panel=SCORE,
        ),
    ] = None,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Ignore case.", rich_help_panel=SCORE)
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print a list of objects with full precision.", rich_help_panel=SCORE
        ),
    ] = False,
) -> None:
    """Score translations with BLEU and chrF, as sacreBLEU does.

    Give `--hyp` to score a file, or `--model` and `--src` to translate and score. Line N of one
    file belongs to line N of the others; only a line feed ends a line. A file may be `-`, standard
    input.
    """
    from mtcli.config.languages import language_of_country
    from mtcli.engines.choice import EngineOptions
    from mtcli.evaluation.odd_texts import NamedTexts
    from mtcli.translating.request import TranslationRequest

    if tgt_lang is not None and (language := language_of_country(tgt_lang)):
        raise ConfigError(
            f"`--tgt-lang {tgt_lang}` is a country code, not a language", hint=f"use `{language}`"
        )
    hyp = only(hyps, "--hyp") if hyps else None
    model = only(models, "--model") if models else None
    src = only(srcs, "--src") if srcs else None
    refuse_sharing_standard_input({"--hyp": hyp, "--src": src}, refs)
    references = [read_texts(ref, "--ref") for ref in refs]
    if not references[0]:
        raise DataError(f"{name_of(refs[0])} is empty: there is nothing to score against")
    if hyp is not None:
        _refuse_model_options(model, src, output)
        hypotheses = read_texts(hyp, "--hyp")
        check_counts(hyp, len(hypotheses), refs, references)
        scoring = _Scoring(tgt_lang or "en", tokenize, lowercase)
        sources = None
    elif model is None or src is None:
        raise ConfigError("there is nothing to score", hint=HYP_OR_MODEL)
    else:
        sources = read_texts(src, "--src")
        check_counts(src, len(sources), refs, references)
        if output is not None:
            refuse_overwriting(output, src, refs)
        request = TranslationRequest(
            models=(model,),
            checkpoint=checkpoint,
            # scores are the model's, not those of an export that lost a little to be fast
            engine=EngineOptions("torch", device),
            overrides={"beam_size": beam_size, "batch_size": batch_size},
            with_scores=False,
        )
        hypotheses, model_lang = _translate(request, sources, tgt_lang, tokenize, output)
        scoring = _Scoring(tgt_lang or model_lang, tokenize, lowercase)
    translations = NamedTexts("the translation" if hyp is None else name_of(hyp), hypotheses)
    named = [NamedTexts(name_of(ref), texts) for ref, texts in zip(refs, references, strict=True)]
    _warn(translations, named, sources, scoring)
    _print(_score(hypotheses, references, scoring), as_json=as_json)


def _translate(
    request: TranslationRequest,
    sources: list[str],
    tgt_lang: str | None,
    tokenize: str | None,
    output: Path | None,
) -> tuple[list[str], str]:
    """Translate the sources. Returns the translations and the model's target language."""
    from mtcli.evaluation.tokenization import check_tokenization
    from mtcli.translating.request import prepare

    prepared = prepare(request)
    (bundle,) = prepared.bundles
    # every mistake is told before the minutes of translating
    bundle.check_weights()
    check_tokenization(tgt_lang or bundle.card.tgt_lang, tokenize)
    if output is not None:
        write_texts(output, [])
    note(f"translating with {bundle.path}")
    with progress_bar("translating", "sentences") as bar:
        hypotheses = prepared.open().translate(sources, progress=bar.move)
    if output is not None:
        write_texts(output, hypotheses)
    return hypotheses, bundle.card.tgt_lang


def _refuse_model_options(model: Path | None, src: Path | None, output: Path | None) -> None:
    for name, value in (("--model", model), ("--src", src), ("--output", output)):
        if value is not None:
            raise ConfigError(f"`{name}` cannot be combined with `--hyp`", hint=HYP_OR_MODEL)


def _warn(
    hypotheses: NamedTexts,
    references: Sequence[NamedTexts],
    sources: Sequence[str] | None,
    scoring: _Scoring,
) -> None:
    """Say what makes the scores lower or less comparable than they look."""
    from mtcli.evaluation.odd_texts import Oddity, blank, odd_references, odd_text, short
    from mtcli.evaluation.tokenization import choose_tokenization

    language = scoring.tgt_lang, scoring.tokenize
    tokenization = choose_tokenization(*language)
    if tokenization.remark:
        kind = "warning" if tokenization.is_makeshift else "note"
        note(f"{kind}: {tokenization.remark}; `--tokenize` chooses another tokenization")
    findings = []
    for each in references:
        beside = hypotheses.texts if sources is None else sources
        findings += odd_references(each, beside, *language)
    findings += [finding for finding in (blank(hypotheses, references[0].texts),) if finding]
    findings += [] if tokenization.name == "none" else odd_text(hypotheses)
    if not any(finding.oddity is Oddity.UNSPACED for finding in findings):
        findings += [finding for finding in (short(references, *language),) if finding]
    for finding in findings:
        hint = HINTS[finding.oddity.value]
        if finding.languages:
            hint = f"use `--tgt-lang` with its language, {finding.languages}"
        note(f"warning: {finding.sentence}\nhint: {hint}")


def _score(hypotheses: list[str], references: list[list[str]], scoring: _Scoring) -> list[Score]:
    from mtcli.evaluation.metrics import evaluate

    return evaluate(
        hypotheses,
        references,
        tgt_lang=scoring.tgt_lang,
        tokenize=scoring.tokenize,
        lowercase=scoring.is_lowercase,
    )


def _print(scores: list[Score], *, as_json: bool) -> None:
    if as_json:
        import json
        from dataclasses import asdict

        print(json.dumps([asdict(score) for score in scores], indent=2))
    else:
        for score in scores:
            print(f"{score.metric} {score.score:.2f}  {score.signature}")
