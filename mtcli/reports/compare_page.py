"""The page of a comparison of systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtcli.config.metric_names import digits_of
from mtcli.evaluation.side_by_side import BucketScores, Change, SideBySide, letter
from mtcli.reports.changes import Part, marked_parts
from mtcli.reports.charts import bar_chart, drawing_script, interval_chart
from mtcli.reports.page import check_page, render, write_page

_NUM_BARS = 40
"""Between the largest loss and the largest gain of a sentence."""


@dataclass(frozen=True)
class ShownChange:
    """A sentence that changed, with the words marked that only one of the systems has."""

    change: Change
    source: str
    references: Sequence[str]
    before: Sequence[Part]
    now: Sequence[Part]


def check_comparison_page(output: Path) -> None:
    """See that the page can be made and written, before anything is translated.

    Raises:
        RunFolderError: the file cannot be written.
        MtcliError: a library is missing.
    """
    check_page(output)
    drawing_script()


def write_comparison(found: SideBySide, output: Path) -> None:
    """Write a comparison as one HTML file, which needs no network.

    Raises:
        RunFolderError: the file cannot be written.
        MtcliError: a library is missing.
    """
    write_page(output, comparison_page(found, drawing_script()))


def comparison_page(found: SideBySide, script: str) -> str:
    """The page.

    Args:
        found: what is shown.
        script: what draws the charts.
    """
    letters = [letter(number) for number in range(len(found.systems))]
    scores = [
        interval_chart(
            f"score-{number}", of_all[0].metric, list(_score_rows(found, name)), letters, "score"
        )
        for number, (name, of_all) in enumerate(found.scores.items())
    ]
    buckets = [
        (
            interval_chart(
                f"buckets-{number}", f"By {name}", list(_bucket_rows(of_all)), letters,
                f"{found.main_metric} higher than A's", has_zero=True,
            ),
            of_all,
        )
        for number, (name, of_all) in enumerate(found.buckets.items())
    ]  # fmt: skip
    sentences = bar_chart(
        "sentences",
        f"Sentences by change of their {found.changes[0].metric}, unchanged ones left out",
        list(_sentence_rows(found)),
        letters,
        f"{found.changes[0].metric} higher than A's",
    )
    has_changes = any(changes.num_same < len(found.sources) for changes in found.changes)
    values: dict[str, Any] = {
        "title": "Comparison of " + ", ".join(system.name for system in found.systems),
        "found": found,
        "letters": letters,
        "scores": scores,
        "buckets": buckets,
        "sentences": sentences if has_changes else None,
        "changes": [_shown(found, number) for number in range(1, len(found.systems))],
        "plain": lambda value, metric: f"{value:.{digits_of(metric)}f}",
        "signed": lambda value, metric: f"{value:+.{digits_of(metric)}f}",
    }
    charts = [*scores, *(chart for chart, _ in buckets), *([sentences] if has_changes else [])]
    return render("compare.html", values, charts, script)


def _score_rows(found: SideBySide, name: str) -> Iterator[Mapping[str, Any]]:
    for number, score in enumerate(found.scores[name]):
        system = letter(number)
        row = {"label": system, "system": system, "value": score.score}
        yield {**row, "low": score.low, "high": score.high}


def _bucket_rows(buckets: Sequence[BucketScores]) -> Iterator[Mapping[str, Any]]:
    for bucket in buckets:
        for number, difference in enumerate(bucket.differences, start=1):
            bounds = difference.interval
            yield {
                "label": bucket.label,
                "system": letter(number),
                "value": difference.value,
                "low": None if bounds is None else bounds.low,
                "high": None if bounds is None else bounds.high,
            }


def _sentence_rows(found: SideBySide) -> Iterator[Mapping[str, Any]]:
    """Counts of the sentences that changed; a bar begins at 0, so none mixes gains and losses."""
    largest = max(abs(value) for one in found.changes for value in one.differences)
    width = 2 * largest / _NUM_BARS
    for number, changes in enumerate(found.changes, start=1):
        counts = Counter(
            min(int(value // width), _NUM_BARS // 2 - 1) for value in changes.differences if value
        )
        for place, count in sorted(counts.items()):
            bounds = {"from": place * width, "to": (place + 1) * width}
            yield {"system": letter(number), **bounds, "count": count}


def _shown(found: SideBySide, number: int) -> dict[str, list[ShownChange]]:
    """The changed sentences of a system, those that became better first."""

    def shown(change: Change) -> ShownChange:
        before, now = (found.systems[place].hypotheses[change.line] for place in (0, number))
        return ShownChange(
            change,
            found.sources[change.line],
            [lines[change.line] for lines in found.references],
            marked_parts(before, now),
            marked_parts(now, before),
        )

    changes = found.changes[number - 1]
    return {"better": list(map(shown, changes.better)), "worse": list(map(shown, changes.worse))}
