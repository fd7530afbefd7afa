"""`mtcli check` on an untrained model."""

import json
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words

CASES = """\
- source: ralo teku
  must_not_contain: "#"
- source: ralo teku
  name: an order
  must_contain: [4711]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    return folder / "model"


@pytest.fixture
def own_cases(tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(CASES, encoding="utf-8")
    return path


def run(*arguments, text=None):
    result = CliRunner().invoke(app, ["check", *map(str, arguments)], input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_table_and_examples(model):
    result = run("-m", model, "--max-cases", 2, "--only", "numbers", "--only", "empty")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == [
        "numbers      0/2    0.0 %  numbers are kept",
        "empty        2/2  100.0 %  no answer is empty",
    ]
    assert lines[2] == ""
    assert lines[3].startswith("numbers: the number with the digits `")
    assert lines[4].startswith("  source  ")
    assert lines[5].startswith("  answer  ")
    assert len(lines) == 6
    quiet = run("-m", model, "--max-cases", 2, "--only", "numbers", "--examples", 0)
    assert quiet.stdout == "numbers      0/2    0.0 %  numbers are kept\n"


def test_own_cases_alone(model, own_cases, tmp_path):
    result = run(
        "-m", model, "--cases", own_cases, "--only", "cases", "--json",
        "--junit", tmp_path / "check.xml", "--min-rate", "cases=0.5",
    )  # fmt: skip
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    (check,) = content.pop("checks")
    assert content == {"format_version": 1, "model": str(model)}
    (failure,) = check.pop("failures")
    assert check == {
        "check": "cases", "says": "your own cases",
        "passed": 1, "failed": 1, "skipped": 0, "rate": 0.5,
    }  # fmt: skip
    assert failure["answer"]
    del failure["answer"]
    assert failure == {
        "source": "ralo teku", "name": "an order", "reason": "`4711` is missing",
        "plain_source": None, "plain_answer": None,
    }  # fmt: skip
    root = ElementTree.parse(tmp_path / "check.xml").getroot()
    (suite,) = root
    assert suite.attrib == {
        "name": "cases", "tests": "2", "failures": "1", "errors": "0", "skipped": "0",
    }  # fmt: skip
    assert [case.get("name") for case in suite] == ["1: line 1", "2: an order"]
    assert [case.find("failure") is None for case in suite] == [True, False]


def test_sentences_of_a_file_or_of_standard_input(model, tmp_path):
    (tmp_path / "src.txt").write_text("ralo teku minaro sef.\n", encoding="utf-8")
    options = ["-m", model, "--only", "final_stop", "--json"]
    of_file = run(*options, "--src", tmp_path / "src.txt")
    piped = run(*options, "--src", "-", text="ralo teku minaro sef.\n")
    assert piped.stdout == of_file.stdout
    (check,) = json.loads(piped.stdout)["checks"]
    assert check["passed"] + check["failed"] == 1


def test_a_rate_below_its_limit(model):
    options = ["-m", model, "--max-cases", 2, "--only", "numbers", "--only", "empty"]
    passed = run(*options)
    failed = run(*options, "--min-rate", "0.9", "--min-rate", "empty=1")
    assert failed.exit_code == 4
    assert failed.stdout == passed.stdout  # all of it is printed all the same
    assert failed.stderr.splitlines()[-1] == (
        "error: a check failed: `numbers` passes 0 of 2 cases, under 0.9"
    )
    assert run(*options, "--min-rate", "0.9", "--min-rate", "numbers=0").exit_code == 0


def test_a_check_with_a_limit_must_have_cases(model):
    result = run(
        "-m", model, "--src", "-", "--only", "upper_case", "--only", "empty",
        "--min-rate", "upper_case=0.1", text="1234.\n",
    )  # fmt: skip
    assert result.exit_code == 4
    assert result.stdout.splitlines()[0].split()[:3] == ["upper_case", "0/0", "-"]
    assert result.stderr.endswith(
        "error: a check failed: `upper_case` has no case that could be judged\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min-rate", "90"], "`--min-rate 90` is not a rate from 0 to 1\nhint: use for example"),
        (["--min-rate", "nan"], "`--min-rate nan` is not a rate from 0 to 1\nhint: use for"),
        (
            ["--min-rate", "cases=1"],
            "`--min-rate cases=1` names a check that is not made\nhint: use one of `numbers`, ",
        ),
        (["--only", "nothing"], "`nothing` is not a check\nhint: use one of `numbers`, "),
        (["--junit", "nowhere/x.xml"], "nowhere/x.xml cannot be written: the folder nowhere"),
        (["--src", "nowhere.txt"], "nowhere.txt does not exist"),
        (["--src", "a", "--src", "b"], "`--src` takes one value here"),
    ],
)
def test_refusals(model, arguments, message):
    result = run("-m", model, *arguments)
    assert result.exit_code == 2
    assert result.stderr.removeprefix("error: ").startswith(message)
    assert result.stdout == ""


def test_the_page_is_not_written_over_what_is_read(model, own_cases):
    result = run("-m", model, "--cases", own_cases, "--junit", own_cases)
    assert result.exit_code == 2
    assert f"{own_cases} is both the input and the output" in result.stderr
    assert own_cases.read_text(encoding="utf-8") == CASES
