import io
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtcli.streaming.lines import Line, LineReader, encode_line, read_lines
from mtcli.translating.controls import _CONTROL, without_controls


def lines_of(content):
    return list(read_lines(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", []),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\nb", ["a", "b"]),
        (b"\n\n", ["", ""]),
        (b"a\r\nb\r\n", ["a", "b"]),
        ("a\u2028b\x0bc\x0cd\x85e\x1cf\rg\n".encode(), ["a b c d e f g"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "b"]),
        (b"\xef\xbb\xbf", [""]),
        (b"\xef\xbb\xbf\n", [""]),
    ],
)
def test_only_a_line_feed_ends_a_line(content, texts):
    assert [line.text for line in lines_of(content)] == texts


def test_endings_are_kept():
    endings = [line.ending for line in lines_of(b"a\r\n\nb\r\r\nc\rd\ne\r")]
    assert endings == [b"\r\n", b"\n", b"\r\n", b"\n", b""]


@pytest.mark.parametrize(
    "blank", [b"", b" ", b"\t \t", b"\x0c", b"\xc2\xa0", b"\x00", b"\xef\xbb\xbf", b" \x07\r\x0b"]
)
def test_blank_lines_keep_their_bytes(blank):
    (line,) = lines_of(blank + b"\n")
    assert line.blank == blank
    assert line.ending == b"\n"


def test_what_is_not_utf8_is_replaced_and_told():
    assert lines_of(b"caf\xe9!\nfine\n\xff") == [
        Line("caf\ufffd!", b"\n", None, False, 6),
        Line("fine", b"\n", None, True, 5),
        Line("\ufffd", b"", None, False, 1),
    ]


def test_surrogates_in_bytes_are_not_utf8():
    (line,) = lines_of(b"\xed\xa0\x80\n")
    assert not line.is_valid
    assert set(line.text) == {"\ufffd"}


def test_control_characters_do_not_reach_the_model():
    assert without_controls("a\x00b\x1b[31mc\x7fd\x9be") == "ab[31mcde"
    assert without_controls("a\nb\rc\x85d\u2029e") == "a b c d e"
    assert without_controls("a\tb") == "a\tb"


def test_an_output_line_is_one_line():
    encoded = encode_line("ein\nHund\r\x85\u2028.", b"\r\n")
    assert encoded == b"ein Hund   .\r\n"
    assert encode_line("\ud800", b"\n") == b"?\n"


def test_a_line_comes_as_soon_as_it_is_there():
    class OneLine(io.BytesIO):
        def readline(self, size=-1):
            assert self.tell() == 0, "asked for the second line before the first was taken"
            return super().readline(size)

    assert next(read_lines(OneLine(b"a\nb\n"))).text == "a"


def test_a_printable_text_has_no_control_character():
    for code in range(sys.maxunicode + 1):
        if _CONTROL.match(chr(code)):
            assert not chr(code).isprintable()


def pipe():
    """The reading end as a file, and the writing end."""
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), writing


@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\xff", b"\x00b"])).map(b"".join), st.data()
)
def test_a_line_reader_reads_the_same_lines_however_they_arrive(content, data):
    source, writing = pipe()
    with source:
        reader, lines, position = LineReader(source), [], 0
        while position < len(content):
            end = data.draw(st.integers(position + 1, len(content)))
            os.write(writing, content[position:end])
            position = end
            while reader.is_ready():
                lines.append(next(reader))
        os.close(writing)
        assert [*lines, *reader] == list(read_lines(io.BytesIO(content)))


def test_a_line_reader_knows_what_it_would_wait_for():
    source, writing = pipe()
    with source:
        reader = LineReader(source)
        assert not reader.is_ready()
        os.write(writing, b"a\nb")
        assert reader.is_ready()
        assert next(reader).text == "a"
        assert not reader.is_ready()
        os.write(writing, b"c")
        assert not reader.is_ready()
        os.close(writing)
        assert reader.is_ready()
        assert [line.text for line in reader] == ["bc"]
        assert reader.is_ready()


def test_what_is_buffered_already_is_read_first(tmp_path):
    (tmp_path / "lines").write_bytes(b"a\nb\nc\n" + b"d" * 1_000_000)
    with (tmp_path / "lines").open("rb") as source:
        source.readline()
        assert [line.text for line in LineReader(source)] == ["b", "c", "d" * 1_000_000]


def test_without_a_descriptor_no_line_is_known_to_be_there():
    reader = LineReader(io.BytesIO(b"a\nb"))
    assert not reader.is_ready()
    assert [line.text for line in reader] == ["a", "b"]
