"""`mtcli check`: test the behaviour of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtcli.cli.check_options import (
    BatchSizeOption,
    BeamSizeOption,
    ExamplesOption,
    JsonOption,
    JunitOption,
    MaxCasesOption,
    MinRatesOption,
    ModelsOption,
    OnlyOption,
    OwnCasesOption,
    SkipOption,
    SrcsOption,
)
from mtcli.cli.check_rates import check_rates, parse_rates
from mtcli.cli.command import Command
from mtcli.cli.eval_models import Search, prepare_model, translate
from mtcli.cli.help import epilog
from mtcli.cli.notes import note
from mtcli.cli.options import CheckpointOption, DeviceOption
from mtcli.cli.scored_texts import STANDARD_INPUT, read_texts
from mtcli.cli.streams import check_output, only, stream_errors
from mtcli.errors import MtcliError

if TYPE_CHECKING:
    from mtcli.evaluation.behaviour.outcomes import Outcome, Tally

app = typer.Typer()

FORMAT_VERSION = 1
"""Of the JSON object."""


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli check -m runs/demo\n"
        "mtcli check -m runs/demo --cases cases.yaml --min-rate 0.9 --junit check.xml",
        "guides/check.md",
    ),
)
def check(
    models: ModelsOption,
    srcs: SrcsOption = None,
    own_cases: OwnCasesOption = None,
    only_checks: OnlyOption = None,
    skipped_checks: SkipOption = None,
    max_cases: MaxCasesOption = 50,
    min_rates: MinRatesOption = None,
    examples: ExamplesOption = 1,
    junit: JunitOption = None,
    as_json: JsonOption = False,
    checkpoint: CheckpointOption = "best",
    beam_size: BeamSizeOption = None,
    batch_size: BatchSizeOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Test how a model behaves: numbers, tags, case, typos, long inputs.

    Cases are made from sentences: a number is put in, two letters are swapped, and so on. Each
    check prints how many of its cases pass.
    """
    from mtcli.evaluation.behaviour.junit import junit_xml
    from mtcli.evaluation.behaviour.outcomes import judge_cases
    from mtcli.evaluation.behaviour.own_cases import read_own_cases
    from mtcli.folders import write_bytes_atomically
    from mtcli.workflows.check import built_in_cases, select_checks, sentences_for

    model, src = only(models, "--model"), only(srcs, "--src") if srcs else None
    selection = select_checks(
        only_checks or [], skipped_checks or [], max_cases, has_own_cases=own_cases is not None
    )
    rates = parse_rates(min_rates or [], selection.names)
    for path in (own_cases, src) if junit is not None else ():
        check_output(junit, path, resume=False)
    cases = read_own_cases(own_cases) if own_cases and selection.has_own_cases else []
    prepared = prepare_model(model, Search(checkpoint, beam_size, batch_size, device))
    bundle = prepared.bundles[0]
    if selection.needs_sentences:
        sentences = sentences_for(bundle.path, bundle.card) if src is None else _read(src)
        cases = built_in_cases(bundle.card, sentences, selection, _warn) + cases
    tallies = judge_cases(cases, selection.names, lambda texts: translate(prepared, texts, None))
    if junit is not None:
        write_bytes_atomically(junit, junit_xml(tallies))
    with stream_errors("printing"):
        _print(tallies, model, examples, as_json=as_json)
    check_rates(tallies, rates)


def _read(src: Path) -> list[str]:
    """The sentences of a file, or of standard input; of a large file the first."""
    from mtcli.data.lines import read_file_lines
    from mtcli.workflows.check import MOST_LINES

    if src == STANDARD_INPUT:
        return read_texts(src, "--src")
    sentences = list(islice(read_file_lines(src), MOST_LINES + 1))
    if len(sentences) > MOST_LINES:
        note(f"{src} has many lines: cases are made of the first {MOST_LINES:,}")
    return sentences[:MOST_LINES]


def _warn(error: MtcliError) -> None:
    note(f"warning: {error}")


def _print(tallies: Sequence[Tally], model: Path, examples: int, *, as_json: bool) -> None:
    if as_json:
        checks = [_record(tally) for tally in tallies]
        content = {"format_version": FORMAT_VERSION, "model": str(model), "checks": checks}
        print(json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False))
        return
    width = max(len(tally.name) for tally in tallies)
    for tally in tallies:
        rate = "      -" if tally.rate is None else f"{100 * tally.rate:5.1f} %"
        passed = f"{tally.num_passed}/{tally.num_judged}"
        print(f"{tally.name:<{width}}  {passed:>7}  {rate}  {tally.says}")
    for tally in tallies:
        for outcome in tally.failures[:examples]:
            print()
            print("\n".join(_example(tally, outcome)))


def _example(tally: Tally, outcome: Outcome) -> list[str]:
    """The lines about a failure."""
    name = f", {outcome.case.name}" if outcome.case.name else ""
    return [
        f"{tally.name}{name}: {_shortened(outcome.verdict.reason)}",
        f"  source  {_shortened(outcome.trial.source)}",
        f"  answer  {_shortened(outcome.trial.answer)}",
    ]


def _shortened(text: str) -> str:
    longest = 300
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _record(tally: Tally) -> dict[str, object]:
    return {
        "check": tally.name,
        "says": tally.says,
        "passed": tally.num_passed,
        "failed": len(tally.failures),
        "skipped": len(tally.outcomes) - tally.num_judged,
        "rate": tally.rate,
        "failures": [outcome.as_record() for outcome in tally.failures],
    }
