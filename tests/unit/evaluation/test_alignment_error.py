"""Alignment error rate, and the format of gold alignments."""

import pytest

from mtcli.errors import DataError
from mtcli.evaluation.alignment_error import GoldLinks, alignment_error_rate, parse_gold


def gold(sure, possible=()):
    return GoldLinks(frozenset(sure), frozenset(sure) | frozenset(possible))


def test_the_rate_is_that_of_the_formula():
    """By hand: A & S = {00}, A & P = {00, 12}, |A| = 3, |S| = 2: 1 - 3 / 5."""
    found = [{(0, 0), (1, 2), (4, 4)}]
    assert alignment_error_rate(found, [gold({(0, 0), (1, 1)}, {(1, 2)})]) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("found", "rate"),
    [
        ({(0, 0), (1, 1)}, 0.0),
        ({(0, 0), (1, 1), (2, 1)}, 0.0),  # what is only possible costs nothing
        ({(2, 2)}, 1.0),
        (set(), 1.0),
        ({(0, 0)}, 1 - 2 / 3),
    ],
)
def test_perfect_is_0_and_nothing_right_is_1(found, rate):
    assert alignment_error_rate([found], [gold({(0, 0), (1, 1)}, {(2, 1)})]) == pytest.approx(rate)


def test_counts_travel_and_are_divided_once():
    pairs = [gold({(0, 0)}), gold({(i, i) for i in range(9)})]
    found = [set(), {(i, i) for i in range(9)}]
    assert alignment_error_rate(found, pairs) == pytest.approx(1 - 18 / 19)


def test_a_line_of_links():
    assert parse_gold("0-0 1p2 3?4", "gold", 1) == gold({(0, 0)}, {(1, 2), (3, 4)})
    assert parse_gold("", "gold", 1) == gold(set())


@pytest.mark.parametrize("text", ["0:0", "1", "a-b", "-1-0", "0-0-0", "1-", "9999999-0", "١-٢"])
def test_what_is_no_link_is_told_with_its_line(text):
    with pytest.raises(DataError) as error:
        parse_gold(f"0-0 {text}", "gold.align", 7)
    assert str(error.value) == (
        f"gold.align, line 7: `{text}` is not a link between two words\n"
        "hint: write a source word, a hyphen and a target word, counted from 0, such as `0-0 1-2`;"
        " a `p` instead of the hyphen marks a link that is only possible"
    )
