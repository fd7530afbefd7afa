import pytest

from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import measure


def lines(name, hypotheses, *references, lowercase=False):
    texts = Texts(hypotheses, references)
    return measure(name, texts, Scoring(lowercase=lowercase)).line_scores()


def test_labels_must_be_equal_but_for_white_space_around_them():
    hypotheses = ["sport", " sport\t", "Sport", "sport.", "news sport", ""]
    assert lines("accuracy", hypotheses, ["sport"] * 6) == [100, 100, 0, 0, 0, 0]
    assert lines("accuracy", hypotheses, ["sport"] * 6, lowercase=True) == [100, 100, 100, 0, 0, 0]


@pytest.mark.parametrize(
    ("hypothesis", "reference", "is_right"),
    [
        ("The Mill.", "the mill", True),
        ("“Straße”", "STRASSE", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("well-known", "well known", True),
        ("a mill", "mill", False),  # an article counts: it is a word of English only
        ("1.5", "15", False),
        ("雨。", "雨", True),
    ],
)
def test_answers_may_differ_in_case_punctuation_and_spaces(hypothesis, reference, is_right):
    assert lines("exact_match", [hypothesis], [reference]) == [100.0 * is_right]


def test_any_reference_will_do():
    for name in ("accuracy", "exact_match"):
        assert lines(name, ["b", "c"], ["a", "a"], ["b", "b"]) == [100, 0]
