"""`mtcli eval`: score translations, or the translations of a model, with BLEU and chrF."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtcli.cli.command import Command
from mtcli.cli.errors import user_errors
from mtcli.cli.notes import note
from mtcli.cli.streams import only
from mtcli.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mtcli.evaluation.metrics import Score

app = typer.Typer()


@dataclass(frozen=True)
class _Scoring:
    """How to score."""

    tgt_lang: str
    tokenize: str | None
    is_lowercase: bool


@app.command(cls=Command)
def evaluate(
    refs: Annotated[
        list[Path], typer.Option("--ref", metavar="FILE", help="Reference translations.")
    ],
    hyps: Annotated[
        list[Path] | None, typer.Option("--hyp", metavar="FILE", help="Translations to score.")
    ] = None,
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "-m", "--model", metavar="MODEL", help="Run folder or model folder to translate with."
        ),
    ] = None,
    srcs: Annotated[
        list[Path] | None,
        typer.Option("--src", metavar="FILE", help="Text that --model translates."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where --model's translations go as well.")
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="Which model of a run: best, last or step_N.")
    ] = "best",
    beam_size: Annotated[
        int | None, typer.Option(min=1, help="Width of the beam; 1 is greedy.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Sentences translated at once.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    tgt_lang: Annotated[
        str | None,
        typer.Option(
            help="Language of the translations, which chooses BLEU's tokenisation: zh, ja and ko"
            " have one of their own, others have 13a. By default the model's."
        ),
    ] = None,
    tokenize: Annotated[
        str | None,
        typer.Option(help="A tokenisation of sacreBLEU's (13a, intl, char, none, ...) for BLEU."),
    ] = None,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Score without regard to case.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a list of objects with full precision.")
    ] = False,
) -> None:
    """Score translations with BLEU and chrF, with the signatures of sacreBLEU.

    Give --hyp to score a file, or --model and --src to translate and score. Line i of one file
    belongs to line i of the other; only a newline ends a line.
    """
    with user_errors():
        from mtcli.data.lines import read_file_lines
        from mtcli.engines.choice import EngineOptions
        from mtcli.evaluation.metrics import check_tokenization
        from mtcli.translating.request import TranslationRequest, prepare

        ref = only(refs, "--ref")
        hyp = only(hyps, "--hyp") if hyps else None
        model = only(models, "--model") if models else None
        src = only(srcs, "--src") if srcs else None
        references = list(read_file_lines(ref))
        if not references:
            raise DataError(f"{ref}: empty, so there is nothing to score against")
        if hyp is not None:
            _refuse_model_options(model, src, output)
            hypotheses = list(read_file_lines(hyp))
            _check_counts(hyp, len(hypotheses), ref, len(references))
        elif model is None or src is None:
            raise ConfigError("give --hyp FILE, or --model MODEL and --src FILE")
        else:
            sources = list(read_file_lines(src))
            _check_counts(src, len(sources), ref, len(references))
            prepared = prepare(
                TranslationRequest(
                    models=(model,),
                    checkpoint=checkpoint,
                    # scores are the model's, not those of an export that lost a little to be fast
                    engine=EngineOptions("torch", device),
                    overrides={"beam_size": beam_size, "batch_size": batch_size},
                    with_scores=False,
                )
            )
            bundle = prepared.bundles[0]
            bundle.check_weights()
            tgt_lang = tgt_lang or bundle.card.tgt_lang
            # before the minutes of translating
            check_tokenization(tgt_lang, tokenize)
            if output is not None:
                _refuse_overwriting(output, src, ref)
                _write_lines(output, [])
            note(f"translating with {bundle.path}")
            hypotheses = prepared.open().translate(sources)
            if output is not None:
                _write_lines(output, hypotheses)
        scoring = _Scoring(tgt_lang or "en", tokenize, lowercase)
        _warn_of_odd_references(ref, references, scoring)
        _print(_score(hypotheses, references, scoring), as_json=as_json)


def _refuse_model_options(model: Path | None, src: Path | None, output: Path | None) -> None:
    for name, value in (("--model", model), ("--src", src), ("--output", output)):
        if value is not None:
            raise ConfigError(
                f"{name} does not go with --hyp: score a file with --hyp, or translate with "
                "--model and --src"
            )


def _refuse_overwriting(output: Path, src: Path, ref: Path) -> None:
    for name, path in (("--src", src), ("--ref", ref)):
        if output.exists() and output.samefile(path):
            raise ConfigError(f"--output {output} is the file of {name}; choose another name")


def _check_counts(left: Path, num_left: int, right: Path, num_right: int) -> None:
    if num_left != num_right:
        raise DataError(
            f"{left} has {num_left} lines, but {right} has {num_right}: line i of one must belong "
            "to line i of the other"
        )


def _write_lines(path: Path, texts: list[str]) -> None:
    try:
        path.write_bytes("".join(f"{text}\n" for text in texts).encode("utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot write the translations: {error.strerror or error}"
        ) from error


def _warn_of_odd_references(ref: Path, references: list[str], scoring: _Scoring) -> None:
    from mtcli.evaluation.metrics import tokenization_for
    from mtcli.evaluation.tokenized import looks_tokenized, looks_unspaced

    is_default = scoring.tokenize is None and tokenization_for(scoring.tgt_lang) == "13a"
    if is_default and looks_unspaced(references):
        print(
            f"warning: {ref} looks Chinese or Japanese, of which BLEU takes whole sentences for"
            " words; say --tgt-lang zh or --tgt-lang ja",
            file=sys.stderr,
        )
    if is_default and looks_tokenized(references):
        print(
            f"warning: {ref} looks tokenised; BLEU tokenises itself and is comparable only on "
            "plain text (--tokenize none scores it as it is)",
            file=sys.stderr,
        )


def _score(hypotheses: list[str], references: list[str], scoring: _Scoring) -> list[Score]:
    from mtcli.evaluation.metrics import bleu, chrf

    return [
        bleu(
            hypotheses,
            references,
            tgt_lang=scoring.tgt_lang,
            tokenize=scoring.tokenize,
            lowercase=scoring.is_lowercase,
        ),
        chrf(hypotheses, references, lowercase=scoring.is_lowercase),
    ]


def _print(scores: list[Score], *, as_json: bool) -> None:
    if as_json:
        import json
        from dataclasses import asdict

        print(json.dumps([asdict(score) for score in scores], indent=2))
    else:
        for score in scores:
            print(f"{score.metric} {score.score:.2f}  {score.signature}")
