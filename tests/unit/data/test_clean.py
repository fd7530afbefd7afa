from pathlib import Path

import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.clean import REASONS, length_reason, text_reason

SOURCE = TextSource(src=Path("a"), tgt=Path("b"))


def rules(**changes):
    return DataConfig(train=[SOURCE], **changes)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u2028", "\u00a0", "\r"])
def test_a_blank_side_is_empty(blank):
    assert text_reason(blank, "x", rules(), set()) == "empty"
    assert text_reason("x", blank, rules(), set()) == "empty"
    assert text_reason("x", f"{blank}x", rules(), set()) is None


def test_identical_pairs_are_dropped_on_request():
    assert text_reason("x", " x", rules(), set()) is None
    assert text_reason("x", " x", rules(drop_identical=True), set()) == "identical"
    assert text_reason("x", "X", rules(drop_identical=True), set()) is None


def test_duplicates_are_equal_on_both_sides():
    pairs = [("a", "b"), ("a", "c"), ("ab", ""), ("ab", "c"), ("a", "bc"), ("a", "b"), ("a ", "b")]
    seen = set()
    reasons = [text_reason(*pair, rules(drop_duplicates=True), seen) for pair in pairs]
    assert reasons == [None, None, "empty", None, None, "duplicate", "duplicate"]
    assert len(seen) == 4
    assert [text_reason(*pair, rules(), seen) for pair in pairs[-2:]] == [None, None]


def test_a_pair_with_a_lone_surrogate_is_counted_like_any_other():
    seen = set()
    config = rules(drop_duplicates=True)
    assert [text_reason("\ud800", "x", config, seen) for _ in range(2)] == [None, "duplicate"]


@pytest.mark.parametrize(
    ("src_length", "tgt_length", "reason"),
    [(3, 3, None), (4, 1, "too_long"), (1, 4, "too_long"), (0, 2, "empty"), (2, 0, "empty")],
)
def test_lengths_up_to_the_limit_are_kept(src_length, tgt_length, reason):
    assert length_reason(src_length, tgt_length, rules(max_length=3)) == reason


def test_the_ratio_counts_both_ways_and_its_value_is_kept():
    config = rules(max_length_ratio=1.5)
    assert length_reason(2, 3, config) is None
    assert length_reason(3, 2, config) is None
    assert length_reason(2, 4, config) == "length_ratio"
    assert length_reason(4, 2, config) == "length_ratio"
    assert length_reason(1, 200, rules()) is None


def test_every_reason_is_listed():
    assert set(REASONS) == {"empty", "too_long", "length_ratio", "identical", "duplicate"}
