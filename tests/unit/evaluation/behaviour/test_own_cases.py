"""The user's own cases: what a file may hold, and what is wrong with others."""

import re
from pathlib import Path

import pytest

from mtcli.errors import ConfigError
from mtcli.evaluation.behaviour.case import Trial
from mtcli.evaluation.behaviour.own_cases import read_own_cases

CASES = """\
- source: Order 4711 has arrived.
  must_contain: [4711, Bestellung]
  must_not_contain: order
- source: Yes
  name: a word
  matches: "^Ja[.!]?$"
"""


def read(tmp_path, text):
    path = tmp_path / "cases.yaml"
    path.write_text(text, encoding="utf-8")
    return read_own_cases(path)


def refusal(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    return str(error.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("number", "answer", "reason"),
    [
        (0, "Die Bestellung 4711 ist da.", ""),
        (0, "Die Bestellung ist da.", "`4711` is missing"),
        (0, "Bestellung 4711, order", "`order` must not be there"),
        (1, "Ja", ""),
        (1, "Jaja", "`^Ja[.!]?$` does not match"),
    ],
)
def test_conditions(tmp_path, number, answer, reason):
    case = read(tmp_path, CASES)[number]
    verdict = case.judge(Trial(case.source, answer, ""))
    assert (verdict.passed, verdict.reason) == (not reason, reason)


def test_texts_are_texts_and_names_default_to_lines(tmp_path):
    cases = read(tmp_path, CASES)
    assert [case.source for case in cases] == ["Order 4711 has arrived.", "Yes"]
    assert [case.name for case in cases] == ["line 1", "a word"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "/cases.yaml has no list of cases\nhint: begin each case with `- source: TEXT`"),
        ("a: b", "/cases.yaml has no list of cases\nhint: begin each case with `- source: TEXT`"),
        ("- [", "/cases.yaml, line 1: "),
        ("- text", "1 problem in /cases.yaml\n  line   1  [0]  "),
    ],
)
def test_files_of_another_kind(tmp_path, text, message):
    assert refusal(tmp_path, text).startswith(message)


def test_every_problem_is_told_at_once(tmp_path):
    text = """\
- source: a
- sorce: a
  must_contain: b
- source: ""
  must_contain: []
  matches: "("
  must_not_contain: [a, [b]]
"""
    lines = refusal(tmp_path, text).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "7 problems in /cases.yaml",
        "line 1 [0] needs one of `must_contain`, `must_not_contain`, `matches`",
        "line 2 [1].sorce unknown key; did you mean `source`?",
        "line 2 [1] `source` is missing",
        "line 4 [2].source must be a text that is not empty",
        "line 5 [2].must_contain must be a text or a list of texts, none of them empty",
        "line 6 [2].matches `(` is not a regular expression: missing ) at position 1",
        "line 7 [2].must_not_contain must be a text or a list of texts, none of them empty",
    ]


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        read_own_cases(tmp_path / "nowhere.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"- source: \xff")
    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        read_own_cases(tmp_path / "bytes.yaml")


def test_a_pattern_that_takes_for_ever_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("mtcli.evaluation.behaviour.own_cases._LONGEST_MATCH_S", 0.05)
    (case,) = read(tmp_path, '- source: a\n  matches: "^(?:a|aa|a.)*c(?:a|aa|a.)*b$"\n')
    verdict = case.judge(Trial("a", "a" * 60 + "c" + "a" * 60, ""))
    assert verdict.passed is False


def test_the_cases_of_the_guide(tmp_path):
    guide = (Path(__file__).parents[4] / "docs/guides/check.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    order, answer = read(tmp_path, block)
    assert order.judge(Trial("", "Ihre Bestellung 4711 ist da.", "")).passed
    assert answer.judge(Trial("", "Ja!", "")).passed
    assert answer.name == "a short answer"
