"""How `mtcli compare` prints what it found: tables, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

from mtcli.cli.shown_scores import shown
from mtcli.evaluation.side_by_side import letter

if TYPE_CHECKING:
    from mtcli.evaluation.side_by_side import Changes, Cost, Difference, SideBySide
    from mtcli.evaluation.significance import Comparison

FORMAT_VERSION = 1
"""Of the JSON object."""


def print_comparison(found: SideBySide) -> None:
    """Print everything as text; systems are called A, B, ... after the first lines."""
    sections = [
        _systems(found), _scores(found), _buckets(found), _odd_outputs(found), _costs(found),
        *(_changes(found, number) for number in range(1, len(found.systems))),
    ]  # fmt: skip
    print("\n\n".join("\n".join(lines) for lines in map(list, sections) if lines))


def _letters(found: SideBySide) -> list[str]:
    return [letter(number) for number in range(len(found.systems))]


def _systems(found: SideBySide) -> Iterator[str]:
    for number, system in enumerate(found.systems):
        yield f"{letter(number)}  {system.name}"


def _scores(found: SideBySide) -> Iterator[str]:
    rows = [["metric", "system", "score", "95 % interval", "B - A" if len(found.systems) == 2
             else "minus A", "p (AR)", "p (BS)", ""]]  # fmt: skip
    for name, scores in found.scores.items():
        for number, score in enumerate(scores):
            value, _, interval = shown(score).partition(" ")
            row = [score.metric, letter(number), value, interval]
            if number:
                row += _test(found.comparisons[name][number - 1])
            rows.append(row)
    yield from _table(rows)
    yield ""
    yield "p-values: approximate randomization (AR) and paired bootstrap (BS), two-sided, against A"
    for scores in found.scores.values():
        yield f"{scores[0].metric}  {scores[0].signature}"


def _test(comparison: Comparison) -> list[str]:
    from mtcli.config.metric_names import digits_of

    if not comparison.difference:
        return ["0", "-", "-", "the same"]
    is_better = (comparison.difference < 0) == comparison.is_error_rate
    verdict = "better" if is_better else "worse"
    return [
        f"{comparison.difference:+.{digits_of(comparison.metric)}f}",
        f"{comparison.p_randomization:.4f}",
        f"{comparison.p_bootstrap:.4f}",
        f"{'significantly' if comparison.is_significant else 'not significantly'} {verdict}",
    ]


def _buckets(found: SideBySide) -> Iterator[str]:
    letters = _letters(found)
    titles = [f"{one} - A" for one in letters[1:]]
    rows = [[f"{found.main_metric} by", "lines", *letters,
             *chain.from_iterable((title, "95 % interval") for title in titles)]]  # fmt: skip
    for name, buckets in found.buckets.items():
        rows.append([name])
        for bucket in buckets:
            scores = [_plain(score, found.main_metric) for score in bucket.scores]
            cells = chain.from_iterable(
                _difference(one, found.main_metric) for one in bucket.differences
            )
            rows.append([f"  {bucket.label}", str(bucket.num_lines), *scores, *cells])
    yield from _table(rows)
    if found.training_text is not None:
        yield ""
        yield f"rare and unseen words: counted in {found.training_text}, whatever their case"


def _difference(difference: Difference, metric: str) -> list[str]:
    interval = difference.interval
    if interval is None:
        return [_signed(difference.value, metric), "too few lines"]
    mark = " *" if difference.is_clear else ""
    return [
        _signed(difference.value, metric),
        f"[{_signed(interval.low, metric)}, {_signed(interval.high, metric)}]{mark}",
    ]


def _plain(value: float, metric: str) -> str:
    from mtcli.config.metric_names import digits_of

    return f"{value:.{digits_of(metric)}f}"


def _signed(value: float, metric: str) -> str:
    from mtcli.config.metric_names import digits_of

    return f"{value:+.{digits_of(metric)}f}"


def _odd_outputs(found: SideBySide) -> Iterator[str]:
    rows = [["outputs", "empty", "repeated", "copied", "truncated", "short", "length"]]
    for number, system in enumerate(found.systems):
        counts = system.counts
        numbers = (counts.empty, counts.repeated, counts.copied, counts.truncated, counts.short)
        rows.append(
            [
                letter(number),
                *("-" if count is None else str(count) for count in numbers),
                f"{counts.length_ratio:.3f}",
            ]
        )
    yield from _table(rows)


def _costs(found: SideBySide) -> Iterator[str]:
    rows = [["model", "seconds", "lines/s", "parameters", "MB"]]
    for number, system in enumerate(found.systems):
        if system.cost is not None:
            rows.append([letter(number), *_cost(system.cost)])
    if len(rows) > 1:
        yield from _table(rows)


def _cost(cost: Cost) -> list[str]:
    return [
        f"{cost.elapsed_s:.1f}",
        f"{cost.lines_per_s:.1f}",
        "-" if cost.num_parameters is None else f"{cost.num_parameters:,}",
        f"{cost.size_bytes / 1e6:.1f}",
    ]


def _changes(found: SideBySide, number: int) -> Iterator[str]:
    changes, system = found.changes[number - 1], letter(number)
    yield (
        f"{system} - A by {changes.metric} of each sentence: {changes.num_better:,} better,"
        f" {changes.num_worse:,} worse, {changes.num_same:,} the same"
    )
    for title, chosen in (("better", changes.better), ("worse", changes.worse)):
        for change in chosen:
            yield ""
            yield (
                f"{title}: line {change.line + 1:,}, {_plain(change.score_before, changes.metric)}"
                f" to {_plain(change.score, changes.metric)}"
            )
            yield f"  source     {found.sources[change.line]}"
            yield f"  reference  {found.references[0][change.line]}"
            yield f"  A          {found.systems[0].hypotheses[change.line]}"
            yield f"  {system:9}  {found.systems[number].hypotheses[change.line]}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they must be; numbers to the right, as their titles are."""
    num_columns = max(map(len, rows))
    padded = [[*row, *[""] * (num_columns - len(row))] for row in rows]
    widths = [max(len(row[column]) for row in padded) for column in range(num_columns)]
    for row in padded:
        cells = [
            cell.rjust(width)
            if column and _is_number(cell, row is padded[0])
            else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _is_number(cell: str, is_title: bool) -> bool:
    return is_title or cell[:1].isdigit() or cell[:1] in ("+", "-")


def print_json(found: SideBySide) -> None:
    """Print everything with full precision, the texts of the changed sentences included."""
    print(json.dumps(as_record(found), ensure_ascii=False, indent=2))


def as_record(found: SideBySide) -> dict[str, Any]:
    """A comparison for programs."""
    return {
        "format_version": FORMAT_VERSION,
        "systems": [
            {"name": one.name, "outputs": asdict(one.counts),
             "cost": None if one.cost is None else asdict(one.cost)}
            for one in found.systems
        ],
        "scores": {name: [asdict(one) for one in of_all] for name, of_all in found.scores.items()},
        "comparisons": {
            name: [
                {"difference": one.difference, "p_bootstrap": one.p_bootstrap,
                 "p_randomization": one.p_randomization, "is_significant": one.is_significant}
                for one in of_all
            ]
            for name, of_all in found.comparisons.items()
        },
        "buckets": {
            name: [asdict(one) for one in of_all] for name, of_all in found.buckets.items()
        },
        "changes": [
            _changes_record(found, changes, number)
            for number, changes in enumerate(found.changes, start=1)
        ],
        "training_text": found.training_text,
    }  # fmt: skip


def _changes_record(found: SideBySide, changes: Changes, number: int) -> dict[str, Any]:
    def texts(line: int) -> dict[str, Any]:
        return {
            "source": found.sources[line],
            "references": [lines[line] for lines in found.references],
            "baseline": found.systems[0].hypotheses[line],
            "hypothesis": found.systems[number].hypotheses[line],
        }

    return {
        "metric": changes.metric,
        "num_better": changes.num_better,
        "num_worse": changes.num_worse,
        "num_same": changes.num_same,
        **{
            name: [
                {
                    "line": one.line + 1,
                    "baseline_score": one.score_before,
                    "score": one.score,
                    **texts(one.line),
                }
                for one in chosen
            ]
            for name, chosen in (("better", changes.better), ("worse", changes.worse))
        },
    }
