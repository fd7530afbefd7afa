import pytest

from mtcli.tokenizer.report import RoundTripFailure, report
from tests.support.tokenizers import sentences, tokenizer


def test_byte_fallback_loses_nothing():
    trained = tokenizer()
    numbers = report(trained, iter(["ba ko", "日", "", "  ba  "]))
    assert (numbers.num_sentences, numbers.num_words) == (4, 4)
    assert numbers.num_pieces == sum(len(trained.encode(text)) for text in ("ba ko", "日", "ba"))
    assert (numbers.num_unknown, numbers.num_bytes) == (0, 3)
    assert numbers.byte_rate == 3 / numbers.num_pieces
    assert numbers.pieces_per_word == numbers.num_pieces / 4
    assert (numbers.num_failures, numbers.failures) == (0, ())


def test_unknown_characters_are_counted_and_shown():
    trained = tokenizer(vocab_size=100, byte_fallback=False)
    numbers = report(trained, [*sentences(10), *["日本 ba"] * 5])
    assert numbers.num_unknown == 5
    assert numbers.unknown_rate == pytest.approx(5 / numbers.num_pieces)
    assert numbers.num_failures == 5
    assert len(numbers.failures) == 3
    assert numbers.failures[0] == RoundTripFailure(11, "日本 ba", " \u2047  ba")


def test_nothing_is_no_division_by_zero():
    numbers = report(tokenizer(), [])
    assert numbers.unknown_rate == numbers.byte_rate == numbers.pieces_per_word == 0
