"""What the live display of `mtcli train` shows: phase, figures, curves and a sample."""

from __future__ import annotations

import math
import time
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from rich.console import ConsoleDimensions, Group
from rich.text import Text

from mtcli.cli.sparkline import History, bar, sparkline
from mtcli.config.metric_names import LOSS, digits_of, shown_metric
from mtcli.reports.changes import marked_parts
from mtcli.runs.metrics import StepMetrics, ValidationMetrics
from mtcli.system.durations import describe_duration
from mtcli.training.observers.protocol import Observer, Phase, Reading

MAX_WIDTH = 100
"""Columns of the widest panel: in a wider one figures are far from their names."""

_LABEL, _FIGURE, _SECOND_LABEL = 13, 34, 15
"""Columns of a name, of its figure, and of the name right of it."""

_COUNTS = {"tokenizer": "read", "store": "tokenized"}

Part: TypeAlias = str | Text | tuple[str, str]
"""Of a line of text: with or without a style."""


class LiveObserver(Observer):
    """Remembers what a run has told, and shows it.

    Args:
        draw_soon: called when there is something that must not wait for the next drawing.
        is_ascii: whether the terminal can show nothing but ASCII.
    """

    def __init__(
        self,
        draw_soon: Callable[[], None] = lambda: None,
        *,
        is_ascii: bool = False,
    ) -> None:
        self.draw_soon, self.is_ascii = draw_soon, is_ascii
        self.elapsed_s = 0.0
        """Training time of the run, as far as it was told."""
        self._phase: Phase | None = None
        self._phase_began, self._read_at = time.monotonic(), 0.0
        self._done: tuple[int, int | None] = (0, None)
        self._step: tuple[int, int | None] = (0, None)
        self._reading: Reading | None = None
        self._report: StepMetrics | None = None
        self._validation: ValidationMetrics | None = None
        self._losses, self._scores = History(), History()

    def entered(self, phase: Phase) -> None:
        """Show another phase."""
        if phase != self._phase:
            self._phase, self._phase_began, self._done = phase, time.monotonic(), (0, None)

    def advanced(self, done: int, total: int | None) -> None:
        """Move the bar of the phase."""
        self._done = (done, total)

    def stepped(self, step: int, total_steps: int | None) -> None:
        """Move the bar."""
        self._step = (step, total_steps)

    def read(self, reading: Reading) -> None:
        """Show the figures; those of the first update at once."""
        is_first, self._reading = self._reading is None, reading
        self._read_at, self.elapsed_s = time.monotonic(), reading.elapsed_s
        if math.isfinite(reading.loss_per_token):
            self._losses.add(reading.loss_per_token)
        if is_first:
            self.draw_soon()

    def reported(self, metrics: StepMetrics) -> None:
        """Show what readings lack."""
        self._report, self.elapsed_s = metrics, metrics.elapsed_s

    def validated(self, metrics: ValidationMetrics) -> None:
        """Show the scores and the sample."""
        self._validation, self.elapsed_s = metrics, metrics.elapsed_s
        score = {**metrics.scores, LOSS: metrics.loss_per_token}[metrics.best_by]
        if math.isfinite(score):
            self._scores.add(score)
        self.draw_soon()

    def content(self, size: ConsoleDimensions) -> Group:
        """The panel for a terminal of this size: a small one omits what matters less."""
        width = min(size.width - 1, MAX_WIDTH)
        blocks = [[self._phase_row(width)]]
        if self._reading is not None:
            blocks += self._figure_blocks(self._reading, width)
        if self._validation is not None:
            blocks += [*self._score_blocks(self._validation, width), self._sample_rows()]
        num_rows, rows = 0, []
        for block in blocks:
            num_rows += len(block)
            if num_rows < size.height:
                rows += block
        for row in rows:
            row.no_wrap, row.overflow = True, "crop" if self.is_ascii else "ellipsis"
            row.truncate(width)
        return Group(*rows)

    def _phase_row(self, width: int) -> Text:
        """What the run is doing, and how far it is."""
        is_training = self._phase == "training"
        done, total = self._step if is_training else self._done
        took = describe_duration(time.monotonic() - self._phase_began)
        parts: list[Part] = [((self._phase or "starting").ljust(_LABEL), "bold green")]
        if total:
            count = f" {done / total:4.0%}" if is_training else f" {done:,} of {total:,}"
            room = width - _LABEL - len(count)
            parts += [bar(done / total, room, is_ascii=self.is_ascii), count]
        elif done and is_training:
            parts.append("until it is stopped: no length is set, or it is not known yet")
        elif done and self._phase in _COUNTS:
            parts.append(f"{done:,} pairs {_COUNTS[self._phase]}, {took}")
        else:
            parts.append(took)
        return Text.assemble(*parts)

    def _figure_blocks(self, reading: Reading, width: int) -> list[list[Text]]:
        """Figures of the newest updates."""
        since_s = time.monotonic() - self._read_at if self._phase == "training" else 0.0
        left = "unknown"
        if reading.eta_s is not None:
            left = describe_duration(max(0.0, reading.eta_s - since_s))
        step, total = self._step
        end = f" of {total}" if total else ""
        kind = ", label-smoothed" if reading.is_smoothed else ""
        following = reading.next_validation
        validation = (
            f"epoch {reading.epoch + 1}, its end" if following is None else f"step {following}"
        )
        times = [
            _row(
                ("step", f"{step}{end}, epoch {reading.epoch + 1}"),
                ("elapsed", describe_duration(reading.elapsed_s + since_s)),
            ),
            _row(("validation", f"next at {validation}"), ("left", left)),
        ]
        loss = _row(("loss", f"{reading.loss_per_token:.3f}{kind}"))
        speed = _row(
            ("tokens/s", f"{reading.tgt_tokens_per_s:,.0f} target"),
            ("learning rate", f"{reading.lr:.2e}"),
        )
        waited = None
        if self._report is not None:
            waited = ("data wait", f"{self._report.data_wait_share:.1%}")
        norm = _row(("gradient", f"norm {reading.grad_norm:.2f}"), waited)
        return [times, [self._with_curve(loss, self._losses, width)], [speed], [norm]]

    def _score_blocks(self, validation: ValidationMetrics, width: int) -> list[list[Text]]:
        """Scores of the last validation."""
        name, digits = (
            shown_metric(validation.best_by),
            3 if validation.best_by == LOSS else digits_of(validation.best_by),
        )
        best = f"{validation.best_score:.{digits}f} at step {validation.best_step}"
        plain = f"{validation.loss_per_token:.3f} plain"
        if validation.training_loss_per_token is not None:
            plain += f", {validation.training_loss_per_token:.3f} in training"
        figures = [
            (name, f"{score:.{digits_of(name)}f}") for name, score in validation.shown_scores()[:2]
        ]
        scores = [self._with_curve(_row((f"best {name}", best)), self._scores, width)]
        if figures:
            figures[0] = figures[0][0], f"{figures[0][1]} at step {validation.step}"
            scores.insert(0, _row(*figures))
        loss = _row(("valid loss", plain), ("perplexity", f"{validation.perplexity:.2f}"))
        return [scores, [loss]]

    def _with_curve(self, row: Text, history: History, width: int) -> Text:
        """A row with the course of its figure to the right of it."""
        curve = sparkline(history.values, width - row.cell_len, is_ascii=self.is_ascii)
        return Text.assemble(row, (curve, "green"))

    def _sample_rows(self) -> list[Text]:
        """A sentence of the validation set, and what changed in its translation."""
        assert self._validation is not None
        source, now, reference = (
            printable(text)
            for text in (
                self._validation.sample_source,
                self._validation.sample_hypothesis,
                self._validation.sample_reference,
            )
        )
        before = self._validation.sample_before
        before = None if before is None else printable(before)
        named: list[tuple[str, Part]] = [("source", source)]
        if before is not None and before != now:
            named.append(("before", (before, "dim")))
        named += [("translation", marked_changes(now, before)), ("reference", reference)]
        return [Text(), *(Text.assemble((name.ljust(_LABEL), "dim"), part) for name, part in named)]


def printable(text: str) -> str:
    """The text with a placeholder for each control character, which a terminal would obey."""
    is_control = (unicodedata.category(character) in ("Cc", "Cs") for character in text)
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if control else character
        for character, control in zip(text, is_control, strict=True)
    )


def marked_changes(now: str, before: str | None) -> Text:
    """The text, with what is new since `before` in bold green."""
    parts = marked_parts(now, before)
    return Text.assemble(*((part.text, "bold green" if part.is_new else "") for part in parts))


def _row(first: tuple[str, str], second: tuple[str, str] | None = None) -> Text:
    """A row of one or two figures, each after its name."""
    # the name of a metric may be longer than the column
    row = Text.assemble((first[0].ljust(_LABEL - 1) + " ", "dim"), first[1].ljust(_FIGURE))
    if second is not None:
        row.append(second[0].ljust(_SECOND_LABEL - 1) + " ", "dim").append(second[1])
    return row
