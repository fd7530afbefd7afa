from pathlib import Path

import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.rules.chosen import BAD_LINE, REASONS, first_reason, length_rules, text_rules

SOURCE = TextSource(src=Path("a"), tgt=Path("b"))


def rules(**changes):
    return DataConfig(train=[SOURCE], **changes)


def text_reasons(config, *pairs):
    """What one pass over the pairs says of each."""
    chosen = text_rules(config)
    return [first_reason(chosen, src.strip(), tgt.strip()) for src, tgt in pairs]


def length_reason(src_length, tgt_length, config):
    return first_reason(length_rules(config), src_length, tgt_length)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u2028", "\u00a0", "\r"])
def test_a_blank_side_is_empty(blank):
    assert text_reasons(rules(), (blank, "x"), ("x", blank)) == ["empty", "empty"]
    assert text_reasons(rules(), ("x", f"{blank}x")) == [None]


def test_identical_pairs_are_dropped_on_request():
    assert text_reasons(rules(), ("x", " x")) == [None]
    pairs = [("x", " x"), ("x", "X")]
    assert text_reasons(rules(drop_identical=True), *pairs) == ["identical", None]


def test_duplicates_are_equal_on_both_sides():
    pairs = [("a", "b"), ("a", "c"), ("ab", ""), ("ab", "c"), ("a", "bc"), ("a", "b"), ("a ", "b")]
    assert text_reasons(rules(drop_duplicates=True), *pairs) == [
        None, None, "empty", None, None, "duplicate", "duplicate",
    ]  # fmt: skip
    assert text_reasons(rules(), *pairs[-2:]) == [None, None]


def test_only_pairs_that_the_other_rules_keep_are_remembered():
    chosen = text_rules(rules(drop_identical=True, drop_duplicates=True))
    pairs = [("a", "b"), ("", "b"), ("x", "x"), ("", "b"), ("x", "x"), ("a", "b")]
    assert [first_reason(chosen, *pair) for pair in pairs] == [
        None, "empty", "identical", "empty", "identical", "duplicate",
    ]  # fmt: skip
    assert len(chosen[-1]._seen) == 1


def test_a_pair_with_a_lone_surrogate_is_counted_like_any_other():
    pair = ("\ud800", "x")
    assert text_reasons(rules(drop_duplicates=True), pair, pair) == [None, "duplicate"]


@pytest.mark.parametrize(
    ("src_length", "tgt_length", "reason"),
    [(3, 3, None), (4, 1, "too_long"), (1, 4, "too_long"), (0, 2, "empty"), (2, 0, "empty")],
)
def test_lengths_up_to_the_limit_are_kept(src_length, tgt_length, reason):
    assert length_reason(src_length, tgt_length, rules(max_length=3)) == reason


def test_no_pieces_come_before_too_many():
    assert length_reason(0, 9, rules(max_length=3)) == "empty"


def test_the_ratio_counts_both_ways_and_its_value_is_kept():
    config = rules(max_length_ratio=1.5)
    assert length_reason(2, 3, config) is None
    assert length_reason(3, 2, config) is None
    assert length_reason(2, 4, config) == "length_ratio"
    assert length_reason(4, 2, config) == "length_ratio"
    assert length_reason(1, 200, rules()) is None


def test_every_reason_is_listed():
    of_rules = {"empty", "too_long", "length_ratio", "identical", "duplicate"}
    assert set(REASONS) == of_rules | {BAD_LINE}
