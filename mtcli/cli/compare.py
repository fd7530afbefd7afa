"""`mtcli compare`: what systems do differently, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from mtcli.cli.command import Command
from mtcli.cli.compare_options import (
    BatchSizeOption,
    BeamSizeOption,
    HtmlOption,
    JsonOption,
    MetricsOption,
    RefsOption,
    SentencesOption,
    SrcsOption,
    SystemsArgument,
    TrainOption,
)
from mtcli.cli.compare_systems import (
    ComparedTexts,
    find_buckets,
    language_of_models,
    prepare_models,
    read_compared,
    translate_all,
)
from mtcli.cli.compared_tables import print_comparison, print_json
from mtcli.cli.eval_models import Search
from mtcli.cli.evaluate_options import LowercaseOption, TgtLangOption, TokenizeOption
from mtcli.cli.help import epilog
from mtcli.cli.notes import note
from mtcli.cli.options import CheckpointOption, DeviceOption
from mtcli.cli.scored_texts import name_of
from mtcli.cli.streams import only, stream_errors
from mtcli.cli.text_warnings import odd_text_notes

if TYPE_CHECKING:
    from mtcli.evaluation.measured import Scoring
    from mtcli.evaluation.side_by_side import System

app = typer.Typer()


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli compare old.de runs/demo --src data/demo/test.en --ref data/demo/test.de",
        "guides/compare.md",
    ),
)
def compare(
    systems: SystemsArgument,
    srcs: SrcsOption,
    refs: RefsOption,
    train: TrainOption = None,
    checkpoint: CheckpointOption = "best",
    beam_size: BeamSizeOption = None,
    batch_size: BatchSizeOption = None,
    device: DeviceOption = "auto",
    metrics: MetricsOption = None,
    tgt_lang: TgtLangOption = None,
    tokenize: TokenizeOption = None,
    lowercase: LowercaseOption = False,
    sentences: SentencesOption = 5,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare systems: scores, kinds of sentences, what changed, odd outputs, speed.

    The first system is the baseline. Folders are translated with, files are read.
    """
    from mtcli.evaluation.measured import Scoring
    from mtcli.evaluation.metrics import choose_metrics
    from mtcli.evaluation.side_by_side import side_by_side
    from mtcli.evaluation.tokenization import check_tokenization
    from mtcli.reports.compare_page import check_comparison_page, write_comparison

    names = choose_metrics(metrics)
    if html is not None:
        check_comparison_page(html)  # before the minutes of translating
    given = read_compared(systems, only(srcs, "--src"), refs, train or [])
    given.refuse_overwriting(html)
    models = prepare_models(given.models, Search(checkpoint, beam_size, batch_size, device))
    scoring = Scoring(tgt_lang or language_of_models(models) or "en", tokenize, lowercase)
    check_tokenization(scoring.tgt_lang, tokenize)  # before the minutes of translating
    buckets, training_text = find_buckets(given)
    compared = translate_all(given, models)
    _warn(compared, given, scoring, counts_words="bleu" in names)
    found = side_by_side(
        compared,
        given.sources,
        given.references,
        metrics=names,
        scoring=scoring,
        buckets=buckets,
        num_sentences=sentences,
        training_text=training_text,
    )
    if html is not None:
        write_comparison(found, html)
        note(f"wrote {html}")
    with stream_errors("printing"):
        if as_json:
            print_json(found)
        else:
            print_comparison(found)


def _warn(
    compared: Sequence[System], given: ComparedTexts, scoring: Scoring, *, counts_words: bool
) -> None:
    """What makes scores lower than they look; what is odd about the references, once."""
    from mtcli.evaluation.odd_texts import NamedTexts

    refs = zip(given.refs, given.references, strict=True)
    references = [NamedTexts(name_of(path), lines) for path, lines in refs]
    seen: set[str] = set()
    for system in compared:
        hypotheses = NamedTexts(system.name, system.hypotheses)
        found = odd_text_notes(
            hypotheses, references, given.sources, scoring, counts_words=counts_words
        )
        for text in found:
            if text not in seen:
                note(text)
            seen.add(text)
