import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtcli.streaming.cutting import cut_parts


def parts(text, max_bytes):
    return [part.decode() for part in cut_parts(text.encode(), max_bytes)]


@pytest.mark.parametrize(
    ("text", "max_bytes", "expected"),
    [
        ("a", 8, ["a"]),
        ("", 8, [""]),
        ("One two three. Four five", 20, ["One two three. ", "Four five"]),
        ("one two three four", 10, ["one two ", "three four"]),
        ("abcdefghij", 8, ["abcdefg", "hij"]),
        ("äöüäöüäöü", 8, ["äöü", "äöü", "äöü"]),
        ("一二。三四五六", 14, ["一二。", "三四五六"]),
        ("abcdefe\u0301\u0302\u0303x", 10, ["abcdef", "e\u0301\u0302\u0303x"]),
    ],
)
def test_parts_end_with_sentences_then_words_then_characters(text, max_bytes, expected):
    assert parts(text, max_bytes) == expected


BYTES = st.lists(
    st.one_of(
        st.sampled_from([b" ", b". ", b"\r", b"\xe2\x80", b"\xff", b"\x80", b"\xf0\x9f", b"a"]),
        st.text(max_size=5).map(lambda text: text.encode("utf-8", "replace")),
    )
).map(lambda some: b"".join(some).replace(b"\n", b""))


@given(BYTES, st.integers(8, 40))
def test_no_byte_is_lost_and_no_part_is_too_long(content, max_bytes):
    found = list(cut_parts(content, max_bytes))
    assert b"".join(found) == content
    assert all(len(part) <= max_bytes for part in found)
    assert all(found) or content == b""
    assert len(found) <= 1 + 4 * len(content) // max_bytes


@given(BYTES, st.integers(8, 40))
def test_a_cut_changes_no_character(content, max_bytes):
    """Not even of bytes that are not UTF-8: they become as many U+FFFD."""
    found = list(cut_parts(content, max_bytes))
    assert "".join(part.decode("utf-8", "replace") for part in found) == content.decode(
        "utf-8", "replace"
    )


def test_the_look_at_a_part_is_at_its_end():
    """Parts are about as long as they may be, however long that is."""
    content = b"It is a sentence. " * 20_000
    lengths = [len(part) for part in cut_parts(content, 100_000)]
    assert min(lengths[:-1]) > 99_000
    assert all(re.search(rb"\. $", part) for part in cut_parts(content, 100_000))
