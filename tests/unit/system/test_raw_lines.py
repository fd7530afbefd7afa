import io

import pytest

from mtcli.errors import DataError
from mtcli.system.raw_lines import MAX_LINE_BYTES, raw_lines


def read(content, max_bytes=4):
    return list(raw_lines(io.BytesIO(content), "NAME", max_bytes))


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_ending_does_not_count(ending):
    assert read(b"abcd" + ending) == [b"abcd" + ending]
    with pytest.raises(DataError, match="NAME, line 1 has more than 4 bytes"):
        read(b"abcde" + ending)


def test_lines_keep_their_endings_and_the_bad_one_is_named():
    assert read(b"\n\r\na\n\nb") == [b"\n", b"\r\n", b"a\n", b"\n", b"b"]
    with pytest.raises(DataError) as caught:
        read(b"a\n\n" + b"x" * 100)
    assert caught.value.sentence == "NAME, line 3 has more than 4 bytes"
    assert caught.value.hint == "split it, or remove it; only a line feed ends a line"


def test_no_more_than_the_longest_line_is_asked_for():
    class Endless(io.RawIOBase):
        num_read = 0

        def readable(self):
            return True

        def readinto(self, target):
            target[:] = bytes(len(target))
            self.num_read += len(target)
            return len(target)

    endless = Endless()
    with pytest.raises(DataError, match="line 1 has more than 1,000,000 bytes"):
        next(raw_lines(io.BufferedReader(endless), "NAME"))
    assert endless.num_read < 2 * MAX_LINE_BYTES
