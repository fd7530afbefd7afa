import io

import pytest

from mtcli.errors import DataError
from mtcli.streaming.resume import ResumePoint, find_resume_point, skip_lines


def point(tmp_path, content, layout):
    (tmp_path / "out").write_bytes(content)
    return find_resume_point(tmp_path / "out", layout)


def test_no_output_yet(tmp_path):
    for layout in ("text", "n_best", "jsonl"):
        assert find_resume_point(tmp_path / "no", layout) == ResumePoint(0, 0)
        assert point(tmp_path, b"", layout) == ResumePoint(0, 0)


def test_complete_lines_of_text(tmp_path):
    assert point(tmp_path, b"torn", "text") == ResumePoint(0, 0)
    assert point(tmp_path, b"a\r\n\n b\x85\rc\nto", "text") == ResumePoint(3, 10)
    assert point(tmp_path, b"a\n\n", "text") == ResumePoint(2, 3)


def test_objects_must_be_numbered(tmp_path):
    assert point(tmp_path, b'{"line": 1}\n{"li', "jsonl") == ResumePoint(1, 12)
    assert point(tmp_path, b'{"line": 1}\n{"line": 2}\n', "jsonl") == ResumePoint(2, 24)
    for content in (b'{"line": 1}\n{"line": 3}\n', b"\n", b"text\n", b"[]\n", b"\xff\n"):
        with pytest.raises(DataError) as info:
            point(tmp_path, content, "jsonl")
        number = content.count(b"\n")
        assert str(info.value) == (
            f"{tmp_path / 'out'}:{number} is not the JSON object of line {number}\n"
            "hint: give `--output` another name, or drop `--resume`"
        )


def test_the_last_n_best_list_is_made_again(tmp_path):
    content = b"0 ||| a ||| l\n0 ||| b ||| l\n1 ||| a ||| l\n1 ||| torn"
    assert point(tmp_path, content, "n_best") == ResumePoint(1, 28)
    assert point(tmp_path, content[:15], "n_best") == ResumePoint(0, 0)
    assert point(tmp_path, content[:41], "n_best") == ResumePoint(0, 0)
    assert point(tmp_path, content[:42], "n_best") == ResumePoint(1, 28)


@pytest.mark.parametrize("line", [b"a", b"2 ||| a", b"01 ||| a", b"-1 ||| a", b" 1 ||| a", b""])
def test_an_n_best_list_that_is_none(tmp_path, line):
    with pytest.raises(DataError) as info:
        point(tmp_path, b"0 ||| a\n" + line + b"\n", "n_best")
    assert str(info.value) == (
        f"{tmp_path / 'out'}:2 is not an entry of the n-best list of line 1\n"
        "hint: give `--output` another name, or drop `--resume`"
    )


def test_skipping():
    source = io.BytesIO(b"a\r\n\nb")
    skip_lines(source, 2, "out")
    assert source.read() == b"b"
    skip_lines(io.BytesIO(b"a\nb"), 2, "out")
    with pytest.raises(DataError) as info:
        skip_lines(io.BytesIO(b"a\nb"), 3, "out.txt")
    assert str(info.value) == (
        "out.txt answers 3 lines, but the input has 2\n"
        "hint: give `--output` another name, or drop `--resume`"
    )


def test_a_json_line_that_is_nested_deeply_is_not_ours(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("[" * 100_000 + "]" * 100_000 + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="is not the JSON object of line 1"):
        find_resume_point(path, "jsonl")
