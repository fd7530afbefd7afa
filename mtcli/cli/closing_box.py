"""The box that a run ends with on a terminal: its best model, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import ROUNDED
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mtcli.system.durations import describe_duration

if TYPE_CHECKING:
    from mtcli.bundle.card import ModelScore
    from mtcli.config.schema.root import TrainConfig
    from mtcli.training.outcome import Outcome

MAX_WIDTH = 100
"""Columns of the widest box."""


def closing_box(
    outcome: Outcome, config: TrainConfig, elapsed_s: float, arguments: Sequence[str]
) -> Panel:
    """What a run has reached, and the next three commands.

    Args:
        outcome: how this invocation ended.
        config: of the run.
        elapsed_s: training time of the run; 0 if this invocation made no update.
        arguments: of this command, with which a stopped run can be resumed.
    """
    run = _short(outcome.run_dir)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("ended", outcome.reason)
    for score in _best_first(outcome.scores, config.validation.best_by):
        table.add_row(*_described(score))
    if elapsed_s > 0:
        table.add_row("time", f"{describe_duration(elapsed_s)} of training")
    if outcome.model is not None:
        table.add_row("model", _short(outcome.model))
    table.add_row()
    for place, command in enumerate(_next_commands(outcome, config, run, arguments)):
        table.add_row("" if place else "next", Text(command, style="bold"))
    title = f"{run} is finished" if outcome.is_finished else f"{run} is stopped"
    return Panel(
        table,
        box=ROUNDED,
        title=Text(title, style="bold green" if outcome.is_finished else "bold yellow"),
        title_align="left",
        border_style="green" if outcome.is_finished else "yellow",
        padding=(0, 1),
    )


def _best_first(scores: Sequence[ModelScore], best_by: str) -> list[ModelScore]:
    """The score that chose the model, then BLEU and chrF if they are others."""
    wanted = [
        score for score in scores if score.metric.lower() in (best_by.lower(), "bleu", "chrf")
    ]
    return sorted(wanted, key=lambda score: score.metric.lower() != best_by.lower())


def _described(score: ModelScore) -> tuple[str, str]:
    beam = "" if score.beam_size is None else f", beam {score.beam_size}"
    pairs = "" if score.num_pairs is None else f" on {score.num_pairs:,} {score.split} pairs{beam}"
    signature = f"\n{score.signature}" if score.signature else ""
    return score.metric, f"{score.score:.2f}{pairs}{signature}"


def _next_commands(
    outcome: Outcome, config: TrainConfig, run: str, arguments: Sequence[str]
) -> list[str]:
    """What its user will want to do, as it can be typed."""
    model, text = shlex.quote(run), ("FILE", "REFERENCES")
    for source in config.data.valid or ():
        if source.kind == "text":
            text = shlex.quote(_short(source.src)), shlex.quote(_short(source.tgt))
            break
    translate = f"mtcli translate -m {model} -i {text[0]}"
    evaluate = f"mtcli eval -m {model} --src {text[0]} --ref {text[1]}"
    if outcome.is_finished:
        return [translate, evaluate, f"mtcli export -m {model}"]
    resume = shlex.join(["mtcli", *(a for a in arguments if a != "--fresh")])
    return [resume, translate, evaluate] if outcome.model is not None else [resume]


def _short(path: Path) -> str:
    """The path as its user would write it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
