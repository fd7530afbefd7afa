"""YAML 1.2: values, lines, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtcli.config.document import parse_yaml
from mtcli.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("3e-4", 3e-4),
        ("1E5", 1e5),
        ("-3e+4", -3e4),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.inf", -math.inf),
        ("010", 10),
        ("0o10", 8),
        ("0x1f", 31),
        ("+3", 3),
        ("5_000_000", 5_000_000),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("~", None),
        ("", None),
        ("'8'", "8"),
        ("!!str 8", "8"),
        ("!!int eight", "eight"),
        ("0x_", "0x_"),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("null", None),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    document = parse_yaml(f"key: {text}\n")
    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)
    assert document.problems == []


def test_keys_are_text_whatever_they_look_like():
    assert parse_yaml("1: a\nnull: b\nno: c\n").value == {"1": "a", "null": "b", "no": "c"}


def test_lines_of_keys_and_list_entries():
    text = "# a comment\na: 1\nb:\n  - c: 2\n    d: 3\n  -\n    c: [4,\n      5]\n"
    lines = parse_yaml(text).lines
    assert lines == {
        (): 2,
        ("a",): 2,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 0, "c"): 4,
        ("b", 0, "d"): 5,
        ("b", 1): 7,
        ("b", 1, "c"): 7,
        ("b", 1, "c", 0): 7,
        ("b", 1, "c", 1): 8,
    }


def test_an_alias_repeats_its_anchor():
    assert parse_yaml("a: &x [1, 2]\nb: *x\n").value == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("a: 1\nb:\n  c: 2\n  c: 3\n", 4, "b.c", "already set on line 3"),
        ("a: !foo 3\n", 1, "a", "tag !foo is not allowed"),
        ("a: !foo {b: 3}\n", 1, "a", "tag !foo is not allowed"),
        ("a: !!map text\n", 1, "a", "tag tag:yaml.org,2002:map is not allowed"),
        ("a: !!seq {b: 1}\n", 1, "a", "tag tag:yaml.org,2002:seq is not allowed"),
        ("a: &x [1, *x]\n", 1, "a[1]", "*x contains itself"),
        ("? [1]\n: 2\n", 1, "", "a key must be a name, not a list or a mapping"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "c.<<", "YAML 1.2 has no merge keys"),
    ],
)
def test_what_can_be_read_in_spite_of_a_problem(text, line, key, message):
    (problem,) = parse_yaml(text).problems
    assert (problem.origin, problem.key) == (line, key)
    assert problem.message.startswith(message)


def test_of_a_repeated_key_the_first_value_stays():
    document = parse_yaml("a: 1\na: 2\na: 3\n")
    assert document.value == {"a": 1}
    assert [problem.origin for problem in document.problems] == [2, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: c: d\n", "line 2: mapping values are not allowed here"),
        ("a: [1, 2\nb: 3\n", "line 2: while parsing a flow sequence expected ',' or ']'"),
        ("a:\n\tb: 1\n", "indent with spaces, not tabs"),
        ("a: @b\n", "put the value in quotes"),
        ("a: 'b\n", "line 2: while scanning a quoted scalar found unexpected end of stream"),
        ("a: 1\nb: *c\n", "line 2: found undefined alias 'c'"),
        ("a: 1\n---\nb: 2\n", "line 2: expected a single document in the stream"),
        ("a: 1\nb: \x07\n", "line 2: character 7 is not allowed"),
        (
            "%YAML 1.1\n---\na: no\n",
            "line 1: remove the `%YAML` directive, a config is always YAML 1.2",
        ),
        ("[" * 1000, "line 1: nested more than 64 deep"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(text, message):
    with pytest.raises(ConfigError) as error:
        parse_yaml(text)
    assert message in str(error.value)
    assert str(error.value).startswith("line ")
    assert "\n" not in str(error.value)


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,?~= \n\t.0e1<_xo\u2028")) | st.text())
def test_any_text_is_a_document_or_a_config_error(text):
    try:
        refusal = ""
        parse_yaml(text)
    except ConfigError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith("line ")
