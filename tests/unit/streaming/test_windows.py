import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtcli.streaming.lines import parse_line
from mtcli.streaming.windows import read_windows
from mtcli.translating.batching import longest_first_batches, output_limit


def lines(*texts):
    return [parse_line(text.encode() + b"\n") for text in texts]


def test_windows_are_bounded_in_lines_and_bytes():
    source = lines("a", "b", "c", "dddddddd", "e", "f")
    windows = read_windows(source, max_lines=3, max_bytes=9)
    assert [[line.text for line in window] for window in windows] == [
        ["a", "b", "c"],
        ["dddddddd"],
        ["e", "f"],
    ]
    assert list(read_windows([], max_lines=3, max_bytes=8)) == []


def test_bytes_that_the_model_does_not_see_count():
    windows = read_windows([parse_line(b"\x00" * 9 + b"\n")] * 4, max_lines=3, max_bytes=20)
    assert [len(window) for window in windows] == [2, 2]


def test_a_full_window_is_given_out_before_more_is_read():
    def source():
        yield from lines("a")
        raise AssertionError("read too far")

    assert len(next(read_windows(source(), max_lines=1, max_bytes=100))) == 1
    assert len(next(read_windows(source(), max_lines=9, max_bytes=1))) == 1


def test_an_empty_window_comes_before_each_wait_once():
    ready = iter([True, False, True, False, False])
    windows = read_windows(
        lines("a", "b", "c"), max_lines=2, max_bytes=100, is_ready=lambda: next(ready)
    )
    assert [[line.text for line in window] for window in windows] == [
        [],
        ["a", "b"],
        [],
        ["c"],
    ]


@given(st.lists(st.integers(1, 50)), st.integers(1, 7))
def test_every_sentence_is_in_one_batch(lengths, batch_size):
    batches = list(longest_first_batches(lengths, batch_size))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= batch_size for batch in batches)
    assert len(batches) == -(-len(lengths) // batch_size)
    in_order = [lengths[i] for batch in batches for i in batch]
    assert in_order == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("num_src_pieces", "max_length", "limit"), [(1, 256, 35), (20, 256, 92), (100, 256, 256)]
)
def test_the_output_limit(num_src_pieces, max_length, limit):
    assert output_limit(num_src_pieces, max_length) == limit
