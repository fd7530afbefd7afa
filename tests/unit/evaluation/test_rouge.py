"""ROUGE equals Google's rouge-score on English, and a table of the plain recurrence anywhere.

The golden numbers are those of rouge-score 0.1.2, `RougeScorer(["rouge1", "rouge2", "rougeL"])`,
F-measures times 100.
"""

import random

import pytest

from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import measure
from mtcli.evaluation.rouge import longest_common_subsequence
from tests.reference import longest_common_subsequence as by_table

GOLDEN = [
    ("the cat sat on the mat", ["the cat was on the mat"], 83.333333, 60.0, 83.333333),
    ("Police kill the gunman, again!", ["the gunman killed police"],
     66.666667, 28.571429, 44.444444),
    ("", ["a b"], 0.0, 0.0, 0.0),
    ("don't stop: 3.14 times", ["Don't you stop 3 14"], 83.333333, 60.0, 83.333333),
    ("a a a b", ["a b a c a"], 88.888889, 28.571429, 66.666667),
    ("the cat sat on the mat", ["the cat was on the mat", "a cat sat there on that mat"],
     83.333333, 60.0, 83.333333),
]  # fmt: skip


def rouge(name, hypothesis, references):
    return measure(name, Texts([hypothesis], [[text] for text in references]), Scoring())


@pytest.mark.parametrize("case", GOLDEN, ids=[case[0] for case in GOLDEN])
def test_english_is_scored_as_by_rouge_score(case):
    hypothesis, references, *expected = case
    for name, score in zip(("rouge-1", "rouge-2", "rouge-l"), expected, strict=True):
        assert rouge(name, hypothesis, references).score == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize(
    ("hypothesis", "reference", "score"),
    [
        ("Die Größe zählt", "die Größe", 80.0),  # rouge-score finds `gr` and `e`
        ("собака бежит", "Собака спит", 50.0),
        ("狗在跑", "狗跑", 80.0),  # characters are words
        ("हिन्दी भाषा", "हिन्दी", 66.666667),
    ],
)
def test_other_languages(hypothesis, reference, score):
    assert rouge("rouge-1", hypothesis, [reference]).score == pytest.approx(score, abs=1e-5)


def test_the_score_of_a_text_is_the_mean_of_its_lines():
    measured = measure("rouge-l", Texts(["a b", "c"], [["a b", "d"]]), Scoring())
    assert measured.line_scores() == [100.0, 0.0]
    assert measured.score == 50.0
    assert measured.signature.startswith("nrefs:1|case:lc|stem:no|tok:words|version:mtcli-")


def test_common_subsequences_are_those_of_the_table():
    generator = random.Random(3)
    for _ in range(200):
        first, second = (
            [generator.choice("abcd") for _ in range(generator.randrange(90))] for _ in range(2)
        )
        assert longest_common_subsequence(first, second) == by_table(first, second)
