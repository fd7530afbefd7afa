"""JSON lines are read by the standard library, each mistake is named with its line."""

import gzip
import json
from dataclasses import replace

import pytest

from mtcli.config.schema.data import JsonLinesSource
from mtcli.data import json_lines
from mtcli.data.dropped import Dropped
from mtcli.data.json_lines import read_json_lines
from mtcli.errors import DataError


@pytest.fixture
def source(tmp_path):
    def write(content, src_field="src", tgt_field="tgt", **keys):
        path = tmp_path / "a.jsonl"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return JsonLinesSource(
            kind="jsonl", path=path, src_field=src_field, tgt_field=tgt_field, **keys
        )

    return write


def read(source, dropped=None):
    return list(read_json_lines(source, dropped or Dropped()))


def refusal(source):
    with pytest.raises(DataError) as caught:
        read(source)
    return caught.value


RECORDS = [
    {"id": 1, "translation": {"en": "a\u2028b\x85c", "de": "x"}},
    {"id": 2, "translation": {"en": None, "de": "y"}},
    {"id": 3, "translation": {"en": "\0", "de": "7"}},
    {"id": 4},
]
PAIRS = [("a\u2028b\x85c", "x"), ("", "y"), ("\0", "7"), ("", "")]


def test_nested_objects_nulls_and_missing_keys(source):
    lines = [json.dumps(record, ensure_ascii=i == 2) for i, record in enumerate(RECORDS)]
    for content in ("\n".join(lines), "\ufeff" + "\r\n".join(lines) + "\r\n"):
        assert read(source(content, "translation.en", "translation.de")) == PAIRS


@pytest.mark.parametrize("indent", [None, 2])
def test_one_array_of_objects(source, indent):
    content = json.dumps(RECORDS, indent=indent)
    assert read(source(content, "translation.en", "translation.de")) == PAIRS
    broken = source(content[:-3], "translation.en", "translation.de")
    assert f"{broken.path} begins like a JSON array, but is none: " in refusal(broken).sentence
    assert refusal(broken).hint == "write a JSON object on each line"


def test_a_dot_in_a_key_is_found(source):
    assert read(source('{"s.en": "a", "t": "b"}\n', "s.en", "t")) == [("a", "b")]


def test_packed_and_other_encodings(source):
    line = '{"src": "ä", "tgt": "b"}\n'
    assert read(source(gzip.compress(line.encode()))) == [("ä", "b")]
    assert read(source(line.encode("utf-16"), encoding="utf-16")) == [("ä", "b")]
    assert "line 1: byte 10 is 0xe4, which is not UTF-8" in str(
        refusal(source(line.encode("latin-1")))
    )


def test_blank_lines_are_left_out_and_counted(source):
    dropped = Dropped()
    assert read(source('\n{"src": "a", "tgt": "b"}\n\n \n'), dropped) == [("a", "b")]
    assert dropped.num_blank == 3


@pytest.mark.parametrize(
    ("record", "fields", "sentence"),
    [
        (
            {"source": "a", "target": "b"},
            ("src", "target"),
            "`src_field` is `src`, but the keys are source, target",
        ),
        (
            {"translation": {"en": "a", "de": "b"}},
            ("translation.en", "translation.fr"),
            "`tgt_field` is `translation.fr`, but `translation` has en, de",
        ),
        ({"a": "b"}, ("b.c", "a"), "`src_field` is `b.c`, but the keys are a"),
        ({"a": "b"}, ("a.c", "a"), "`src_field` is `a.c`, but the keys are a"),
    ],
)
def test_other_keys_are_named(source, record, fields, sentence):
    broken = source(json.dumps(record), *fields)
    assert str(refusal(broken)) == (
        f"{broken.path}: {sentence}\nhint: name one of them; a dot selects a key of a nested object"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"src": }', "it is not JSON (Expecting value)"),
        ('{"src": "a", "tgt": "b"', "it is not JSON (Expecting ',' delimiter)"),
        ("[" * 100_000, "it is not JSON ("),
        ("a dog", "it is not JSON (Expecting value)"),
        ('["a", "b"]', "it holds ['a', 'b'], not a JSON object"),
        ('{"src": 5, "tgt": "b"}', "`src` is 5, which is not text"),
        ('{"src": "a", "tgt": ["b"]}', "`tgt` is ['b'], which is not text"),
        ('{"src": "\\ud83d", "tgt": "b"}', "`src` holds U+D83D, half of a character"),
    ],
)
def test_a_bad_line_is_refused_or_dropped_and_counted(source, line, problem):
    good = '{"src": "a", "tgt": "b"}'
    broken = source(f"{good}\n{line}\n{good}\n{line}\n")
    error = refusal(broken)
    assert error.sentence.startswith(f"{broken.path}, line 2: {problem}")
    assert error.hint == "correct it, or drop such lines with `bad_lines: drop`"
    dropped = Dropped()
    assert read(replace(broken, bad_lines="drop"), dropped) == [("a", "b")] * 2
    (warning,) = dropped.warnings()
    assert warning.startswith(f"{broken.path}: dropped 2 bad lines; line 2: {problem}")


def test_many_records_keep_their_order(source, monkeypatch):
    monkeypatch.setattr(json_lines, "_HEAD_RECORDS", 7)
    lines = [json.dumps({"src": f"s{i}", "tgt": f"t{i}"}) for i in range(25)]
    assert read(source("\n".join(lines))) == [(f"s{i}", f"t{i}") for i in range(25)]


def test_an_empty_file_has_no_pairs(source):
    assert read(source("")) == read(source("\n")) == read(source("[]")) == []


def test_a_line_that_is_too_long_and_a_text_that_is(source, tmp_path):
    line = json.dumps({"src": "a" * 1_000_001, "tgt": "b"})
    assert refusal(source(line)).sentence == (
        f"{tmp_path / 'a.jsonl'}, line 1 has more than 1,000,000 bytes"
    )
    # an array may stand on one line
    pairs = [{"src": "a" * 9000, "tgt": "b"}] * 150
    assert len(read(source(f"\ufeff {json.dumps(pairs)}"))) == 150
    text = refusal(source(json.dumps([{"src": "a", "tgt": "b" * 1_000_001}]))).sentence
    assert text == f"{tmp_path / 'a.jsonl'}, line 1: `tgt` has more than 1,000,000 characters"
