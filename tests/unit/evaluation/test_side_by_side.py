"""Systems side by side: differences, buckets and changed sentences."""

from functools import cache

import numpy as np
import pytest

from mtcli.evaluation.buckets import make_buckets
from mtcli.evaluation.intervals import difference_interval
from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import measure
from mtcli.evaluation.short_outputs import share_of_lines
from mtcli.evaluation.side_by_side import (
    FEWEST_LINES,
    Change,
    OutputCounts,
    System,
    letter,
    side_by_side,
)
from tests.support.translations import changed_sentences

HYPOTHESES, (REFERENCES,) = changed_sentences(60, 1)
WORSE = [text if row % 3 else " ".join(text.split()[:2]) for row, text in enumerate(HYPOTHESES)]
COUNTS = OutputCounts(0, 0, 0, None, 0, 1.0)


OUTPUTS = {"ours": HYPOTHESES, "worse": WORSE, "right": REFERENCES}


@cache
def compared(*names, metrics=("bleu",)):
    return side_by_side(
        [System(name, OUTPUTS[name], COUNTS) for name in names],
        REFERENCES,
        [REFERENCES],
        metrics=metrics,
        scoring=Scoring("en"),
        buckets=make_buckets(REFERENCES, REFERENCES, None),
        num_sentences=3,
    )


def test_every_system_is_compared_with_the_first():
    found = compared("ours", "worse", "right", metrics=("bleu", "exact_match"))
    for name in ("bleu", "exact_match"):
        worse, best = found.comparisons[name]
        assert worse.is_worse
        assert worse.baseline_score == best.baseline_score == found.scores[name][0].score
        assert best.is_significant
        assert best.score == pytest.approx(100)
    assert found.main_metric == "BLEU"


def test_a_bucket_is_scored_as_a_text_of_its_own():
    found = compared("ours", "worse", "right", metrics=("bleu", "exact_match"))
    (lengths,) = [
        each.buckets
        for each in make_buckets(REFERENCES, REFERENCES, None)
        if each.name == "source length"
    ]
    for bucket, scored in zip(lengths, found.buckets["source length"], strict=True):
        texts = [[lines[n] for n in bucket.lines] for lines in (HYPOTHESES, WORSE, REFERENCES)]
        ours, worse = (
            measure("bleu", Texts(lines, [texts[2]]), Scoring("en")) for lines in texts[:2]
        )
        assert (scored.label, scored.num_lines) == (bucket.label, len(bucket.lines))
        assert scored.scores[:2] == (ours.score, worse.score)
        difference = scored.differences[0]
        assert difference.value == worse.score - ours.score
        if len(bucket.lines) < FEWEST_LINES:
            assert difference.interval is None
            assert not difference.is_clear
        else:
            assert difference.interval == difference_interval(worse, ours)


def test_the_interval_of_a_difference_has_the_size_that_theory_says():
    """The mean of 400 paired differences: 1.96 standard errors to either side."""
    generator = np.random.default_rng(3)
    hard = generator.normal(50, 30, 400)  # what makes a line hard for both cancels out
    before, after = (hard + generator.normal(shift, 2, 400) for shift in (0, 1))
    one, other = (share_of_lines("x", list(values), "", (None, None)) for values in (after, before))
    found = difference_interval(one, other)
    differences = after - before
    error = differences.std(ddof=1) / 20
    assert found.low == pytest.approx(differences.mean() - 1.96 * error, abs=0.3 * error)
    assert found.high == pytest.approx(differences.mean() + 1.96 * error, abs=0.3 * error)


def test_sentences_that_changed_most():
    (changes,) = compared("worse", "ours", metrics=("ter", "chrf")).changes
    assert changes.metric == "chrF"
    before, after = (
        measure("chrf", Texts(lines, [REFERENCES]), Scoring("en")).line_scores()
        for lines in (WORSE, HYPOTHESES)
    )
    gains = [new - old for new, old in zip(after, before, strict=True)]
    best = sorted(range(60), key=lambda line: -gains[line])[:3]
    assert changes.better == tuple(Change(line, before[line], after[line]) for line in best)
    assert changes.differences == tuple(gains)
    assert changes.num_better == sum(gain > 0 for gain in gains) > 0
    assert changes.num_same == sum(gain == 0 for gain in gains) >= 40
    assert changes.num_better + changes.num_worse + changes.num_same == 60
    assert all(change.score < change.score_before for change in changes.worse)


def test_of_an_error_rate_less_is_better():
    (changes,) = compared("worse", "ours", metrics=("ter",)).changes
    assert changes.metric == "TER"
    assert all(change.score < change.score_before for change in changes.better)
    assert all(change.score > change.score_before for change in changes.worse)
    assert len(changes.better) == 3


def test_the_same_translations():
    found = compared("ours", "ours", metrics=("ter",))
    (changes,) = found.changes
    assert (changes.num_same, changes.better, changes.worse) == (60, (), ())
    assert not any(
        difference.is_clear
        for buckets in found.buckets.values()
        for bucket in buckets
        for difference in bucket.differences
    )


def test_systems_have_letters():
    assert [letter(number) for number in (0, 1, 25, 26, 27, 51, 52)] == [
        "A", "B", "Z", "AA", "AB", "AZ", "BA"
    ]  # fmt: skip
