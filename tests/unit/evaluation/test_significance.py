"""p-values equal those of sacreBLEU's API, and become words that say what they mean."""

import pytest
from sacrebleu.significance import PairedTest

from mtcli.evaluation import significance
from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import measure
from mtcli.evaluation.significance import (
    Comparison,
    approximate_randomization,
    compare,
    frequency,
    paired_bootstrap,
)
from tests.support.translations import changed_sentences
from tests.unit.evaluation.test_intervals import METRICS


def systems(num_references=1):
    """A system, a slightly different one, and the references."""
    hypotheses, lists = changed_sentences(40, num_references)
    others, _ = changed_sentences(40, num_references, seed=5)
    pairs = zip(hypotheses, others, strict=True)
    mixed = [one if row % 3 else other for row, (one, other) in enumerate(pairs)]
    return hypotheses, mixed, lists


@pytest.mark.parametrize("num_references", [1, 2])
@pytest.mark.parametrize("name", METRICS)
def test_p_values_are_sacrebleu_s(name, num_references):
    hypotheses, baseline, lists = systems(num_references)
    ours, of_baseline = (
        measure(name, Texts(texts, lists), Scoring("de")) for texts in (hypotheses, baseline)
    )
    for kind, number, test in (
        ("bs", 300, paired_bootstrap),
        ("ar", 300, approximate_randomization),
    ):
        paired = PairedTest(
            [("base", baseline), ("ours", hypotheses)], {"x": METRICS[name]()}, lists,
            test_type=kind, n_samples=number,
        )  # fmt: skip
        (_, theirs), *_ = [scores for key, scores in paired()[1].items() if key != "System"]
        assert theirs.score == ours.score
        assert test(ours, of_baseline, number) == pytest.approx(theirs.p_value, abs=1e-12)


def test_memory_does_not_change_them(monkeypatch):
    hypotheses, baseline, lists = systems()
    pair = [measure("ter", Texts(texts, lists), Scoring()) for texts in (hypotheses, baseline)]
    at_once = approximate_randomization(*pair, 200)
    monkeypatch.setattr(significance, "_MOST_CELLS", 1)
    assert approximate_randomization(*pair, 200) == at_once


def test_the_same_translations_are_neither_better_nor_worse():
    hypotheses, _, lists = systems()
    same = measure("bleu", Texts(hypotheses, lists), Scoring())
    comparison = compare(same, same, num_resamples=20, num_trials=20)
    assert comparison.difference == 0
    assert not comparison.is_significant
    assert not comparison.is_worse
    assert comparison.in_words() == "BLEU is that of the baseline"


@pytest.mark.parametrize(
    ("score", "is_error_rate", "p_value", "words", "often", "is_worse"),
    [
        (31.5, False, 0.003, "1.50 higher significantly better", "3 of 1,000", False),
        (28.5, False, 0.02, "1.50 lower significantly worse", "2 of 100", True),
        (28.5, False, 0.2, "1.50 lower not significantly worse", "2 of 10", False),
        (28.5, True, 0.02, "1.50 lower significantly better", "2 of 100", False),
        (31.5, True, 0.02, "1.50 higher significantly worse", "2 of 100", True),
    ],
)
def test_words(score, is_error_rate, p_value, words, often, is_worse):
    comparison = Comparison("BLEU", score, 30.0, 0.04, p_value, is_error_rate)
    difference, direction, verdict = words.split(" ", 2)
    assert comparison.in_words() == (
        f"BLEU is {difference} {direction} than the baseline's 30.00, which is {verdict}: between"
        f" equally good systems, chance makes such a difference in {often} test sets"
        f" (p = {p_value:.4f} by approximate randomization, 0.0400 by paired bootstrap)"
    )
    assert comparison.is_worse is is_worse


@pytest.mark.parametrize(
    ("p_value", "words"),
    [
        (1.0, "in 10 of 10 test sets"),
        (0.096, "in 1 of 10 test sets"),
        (0.0949, "in 9 of 100 test sets"),
        (0.0094, "in 9 of 1,000 test sets"),
        (0.0001, "in fewer than 1 of 1,000 test sets"),
    ],
)
def test_frequencies(p_value, words):
    assert frequency(p_value) == words
