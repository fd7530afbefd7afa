"""Compare the translations of several systems: scores, buckets, sentences, odd outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from mtcli.evaluation.buckets import Buckets
from mtcli.evaluation.intervals import Interval, difference_interval
from mtcli.evaluation.measured import Measured, Scoring, Texts
from mtcli.evaluation.metrics import Score, measure, score_of
from mtcli.evaluation.significance import Comparison, compare

FEWEST_LINES = 20
"""Of a bucket whose difference gets an interval: of fewer, a bootstrap says nothing."""


@dataclass(frozen=True)
class Cost:
    """What a model takes."""

    elapsed_s: float
    """Of translating all lines, loading aside."""
    lines_per_s: float
    num_parameters: int | None
    """None of an export."""
    size_bytes: int
    """Of its weights."""


@dataclass(frozen=True)
class OutputCounts:
    """Translations that are odd by themselves, whatever the reference says."""

    empty: int
    """Blank, where the source is not."""
    repeated: int
    """Stuck in a loop, as `mtcli translate` marks them."""
    copied: int
    """The source itself, where no reference is that."""
    truncated: int | None
    """Cut off at the longest length; None where only the translations are known."""
    short: int
    """Not empty, but less than half as long as the reference."""
    length_ratio: float
    """Characters of all translations for each of the references."""


@dataclass(frozen=True)
class System:
    """A system that is compared, with its translations."""

    name: str
    hypotheses: Sequence[str]
    counts: OutputCounts
    cost: Cost | None = None
    """None where only the translations are known."""


@dataclass(frozen=True)
class Difference:
    """How much higher than the baseline's a score of some sentences is."""

    value: float
    interval: Interval | None
    """None of too few sentences."""

    @property
    def is_clear(self) -> bool:
        """Whether 0 is outside the interval."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high


@dataclass(frozen=True)
class BucketScores:
    """The scores of all systems in a bucket, by the first metric."""

    label: str
    num_lines: int
    scores: tuple[float, ...]
    """Of each system."""
    differences: tuple[Difference, ...]
    """Of each system but the first."""


@dataclass(frozen=True)
class Change:
    """A sentence that two systems translate differently."""

    line: int
    """Counted from 0."""
    score_before: float
    """Of the baseline."""
    score: float


@dataclass(frozen=True)
class Changes:
    """Where a system differs most from the baseline."""

    metric: str
    """As it is printed."""
    num_better: int
    num_worse: int
    num_same: int
    """Sentences whose score is the same."""
    better: tuple[Change, ...]
    """The largest improvements, the largest first."""
    worse: tuple[Change, ...]
    differences: tuple[float, ...]
    """Of every sentence; above 0 if the score is higher."""


@dataclass(frozen=True)
class SideBySide:
    """Everything that a comparison found. The first system is the baseline."""

    systems: tuple[System, ...]
    scores: Mapping[str, tuple[Score, ...]]
    """Of each system, by the name of the metric."""
    comparisons: Mapping[str, tuple[Comparison, ...]]
    """Of each system but the first, by the name of the metric."""
    buckets: Mapping[str, tuple[BucketScores, ...]]
    """By the property of the sentences; scores are those of the first metric."""
    changes: tuple[Changes, ...]
    """Of each system but the first."""
    sources: Sequence[str]
    references: Sequence[Sequence[str]]
    training_text: str | None
    """What rare and unseen words were counted in; None if nothing was."""

    @property
    def main_metric(self) -> str:
        """The metric of the buckets, as it is printed."""
        return next(iter(self.scores.values()))[0].metric


def letter(number: int) -> str:
    """What a system is called, by its number from 0: A to Z, AA, AB, ..."""
    more, last = divmod(number, len(ascii_uppercase))
    return (letter(more - 1) if more else "") + ascii_uppercase[last]


def side_by_side(
    systems: Sequence[System],
    sources: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str],
    scoring: Scoring,
    buckets: Sequence[Buckets],
    num_sentences: int,
    training_text: str | None = None,
) -> SideBySide:
    """Compare systems with the first of them.

    Args:
        systems: at least two.
        sources: what they translated.
        references: one list, or several.
        metrics: names of metrics; the first one scores the buckets.
        scoring: how texts are scored.
        buckets: groups of sentences.
        num_sentences: most sentences to show in either direction.
        training_text: what words were counted in for the buckets.
    """
    measured = {
        name: [
            measure(name, Texts(one.hypotheses, references, sources), scoring) for one in systems
        ]
        for name in metrics
    }
    main = measured[metrics[0]]
    # BLEU of a sentence is 0 or 100 too often
    of_sentences = measured.get("chrf", main)
    return SideBySide(
        systems=tuple(systems),
        scores={
            name: tuple(score_of(one, with_interval=True) for one in found)
            for name, found in measured.items()
        },
        comparisons={
            name: tuple(compare(one, found[0]) for one in found[1:])
            for name, found in measured.items()
        },
        buckets={
            each.name: tuple(
                _bucket_scores(bucket.label, [one.of_lines(bucket.lines) for one in main])
                for bucket in each.buckets
            )
            for each in buckets
        },
        changes=tuple(_changes(one, of_sentences[0], num_sentences) for one in of_sentences[1:]),
        sources=sources,
        references=references,
        training_text=training_text,
    )


def _bucket_scores(label: str, measured: Sequence[Measured]) -> BucketScores:
    baseline, *others = measured
    num_lines = len(baseline.counts_NC)
    differences = tuple(
        Difference(
            one.score - baseline.score,
            difference_interval(one, baseline) if num_lines >= FEWEST_LINES else None,
        )
        for one in others
    )
    return BucketScores(label, num_lines, tuple(one.score for one in measured), differences)


def _changes(measured: Measured, baseline: Measured, num_sentences: int) -> Changes:
    scores, before = measured.line_scores(), baseline.line_scores()
    differences = [score - old for score, old in zip(scores, before, strict=True)]
    sign = -1.0 if measured.is_error_rate else 1.0
    gains = [sign * difference for difference in differences]
    order = sorted(range(len(gains)), key=lambda line: -gains[line])

    def chosen(lines: Sequence[int], direction: float) -> tuple[Change, ...]:
        kept = [line for line in lines if direction * gains[line] > 0][:num_sentences]
        return tuple(Change(line, before[line], scores[line]) for line in kept)

    return Changes(
        metric=measured.metric,
        num_better=sum(gain > 0 for gain in gains),
        num_worse=sum(gain < 0 for gain in gains),
        num_same=sum(gain == 0 for gain in gains),
        better=chosen(order, 1.0),
        worse=chosen(order[::-1], -1.0),
        differences=tuple(differences),
    )
