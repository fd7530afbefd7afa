import gzip
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.data.lines import read_file_lines
from mtcli.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(content, name="file"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\n\n", ["a", ""]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\r\r\n", ["a\r"]),
        (b"a\rb\n", ["a\rb"]),
        (b"a\r", ["a\r"]),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n".encode(), ["a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"]),
        (b"nul\0nul\n", ["nul\0nul"]),
        (b'"a\nb"\n', ['"a', 'b"']),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\n", [""]),
        (b"  a\t \n", ["  a\t "]),
    ],
)
def test_a_line_ends_at_a_newline_only(write, content, lines):
    assert list(read_file_lines(write(content))) == lines
    assert list(read_file_lines(write(gzip.compress(content), "file.gz"))) == lines


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("lines") / "file"


@settings(max_examples=50)
@given(lines=st.lists(st.text().map(lambda line: line.replace("\n", "").rstrip("\r")), max_size=5))
def test_what_was_joined_by_newlines_is_split_again(scratch, lines):
    scratch.write_bytes("".join(line + "\n" for line in lines).encode("utf-8"))
    expected = [line if i else line.removeprefix("\ufeff") for i, line in enumerate(lines)]
    assert list(read_file_lines(scratch)) == expected


def test_a_line_of_a_hundred_thousand_letters(write):
    assert [len(line) for line in read_file_lines(write(b"x" * 100_000 + b"\ny"))] == [100_000, 1]


def test_gzip_is_told_by_its_bytes_not_its_name(write):
    assert list(read_file_lines(write(gzip.compress(b"a\n"), "plain.txt"))) == ["a"]
    assert list(read_file_lines(write(b"a\n", "plain.gz"))) == ["a"]


def test_bad_utf8_is_named_with_file_and_line(write):
    path = write("gut\nschön\n".encode() + b"abc\xff\n")
    with pytest.raises(DataError) as caught:
        list(read_file_lines(path))
    assert str(caught.value) == (
        f"{path}, line 3: byte 4 is 0xff, which is not UTF-8\n"
        "hint: convert it to UTF-8, for example with `iconv`; training reads it with `encoding`,"
        " for example `encoding: windows-1252`"
    )


def test_latin1_and_surrogates_are_named(write):
    with pytest.raises(DataError, match="line 1: byte 2 is 0xe4, which is not UTF-8"):
        list(read_file_lines(write("häßlich\n".encode("latin-1"))))
    with pytest.raises(DataError, match="line 1: byte 1 is 0xed, which is not UTF-8"):
        list(read_file_lines(write(b"\xed\xa0\x80\n")))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            "a\n".encode("utf-16"),
            "in UTF-16, not UTF-8\nhint: convert it with `iconv -f UTF-16 -t UTF-8`",
        ),
        (b"\xfe\xff" + "a\n".encode("utf-16-be"), "in UTF-16, not UTF-8"),
        (bytes.fromhex("504b0304"), "a zip file, not text\nhint: unpack it"),
    ],
)
def test_what_is_no_text_is_named(write, content, what):
    path = write(content)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path} is {what}')}"):
        list(read_file_lines(path))


def test_text_that_begins_like_a_packed_file(write):
    assert list(read_file_lines(write(b"BZh9 is no name.\nPK\n"))) == ["BZh9 is no name.", "PK"]


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    with pytest.raises(DataError) as caught:
        list(read_file_lines(tmp_path / "no"))
    assert str(caught.value) == f"{tmp_path / 'no'} does not exist"
    with pytest.raises(DataError) as caught:
        list(read_file_lines(tmp_path))
    assert str(caught.value) == f"{tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize("damage", ["truncated", "flipped", "trailing"])
def test_damaged_gzip_is_one_sentence(write, damage):
    content = bytearray(gzip.compress(b"line\n" * 1000))
    if damage == "truncated":
        del content[-12:]
    elif damage == "flipped":
        content[-6] ^= 255
    else:
        content += b"rubbish"
    path = write(bytes(content))
    with pytest.raises(DataError, match=r"damaged gzip data after line \d+ \("):
        list(read_file_lines(path))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_line_that_is_too_long_to_be_one_is_named(write, encoding, is_packed):
    content = f"a\n{'x' * 1_000_000}\n{'x' * 1_000_001}\n".encode(encoding)
    path = write(gzip.compress(content) if is_packed else content)
    lines = read_file_lines(path, encoding)
    assert len(next(lines)) == 1
    assert len(next(lines)) == 1_000_000
    unit = "characters" if encoding in ("utf-16-le", "utf-8-sig") else "bytes"
    with pytest.raises(DataError) as caught:
        next(lines)
    assert caught.value.sentence == f"{path}, line 3 has more than 1,000,000 {unit}"
