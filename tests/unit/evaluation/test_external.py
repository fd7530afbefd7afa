"""Metrics that another program computes, with programs that stand in for the real ones."""

import os
import sys
from pathlib import Path

import pytest

from mtcli.errors import ConfigError, DataError
from mtcli.evaluation.external import check_program
from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import evaluate, measure

COMET_SCORE = """
import argparse, json
parser = argparse.ArgumentParser()
for option in ("-s", "-t", "-r", "--to_json", "--model", "--gpus"):
    parser.add_argument(option)
parser.add_argument("--quiet", action="store_true")
given = parser.parse_args()
paths = given.s, given.t, given.r
sides = [open(path, encoding="utf-8").read().split("\\n")[:-1] for path in paths]
assert len(set(map(len, sides))) == 1
segments = [dict(src=s, mt=t, ref=r, COMET=len(t) / 100) for s, t, r in zip(*sides)]
json.dump({given.t: segments}, open(given.to_json, "w", encoding="utf-8"))
print("score: 0")
"""
PYMARIAN = """
import argparse
parser = argparse.ArgumentParser()
for option in ("-s", "-t", "-r", "-a", "-o", "-m", "-c"):
    parser.add_argument(option)
given = parser.parse_args()
assert given.a == "skip"
lines = open(given.t, encoding="utf-8").read().split("\\n")[:-1]
open(given.o, "w").write("".join(f"{len(line) / 100}\\n" for line in lines))
"""
HYPOTHESES = ["ein Haus", "zwei\tHäuser\u2028da", ""]
TEXTS = Texts(HYPOTHESES, [["ein Haus", "zwei", "drei"]], ["a house", "two", "three"])
MEAN = sum(map(len, HYPOTHESES)) / 300


def program(folder: Path, name: str, code: str) -> Path:
    path = folder / name
    log = folder / "calls"
    path.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"print(*sys.argv[1:], file=open({str(log)!r}, 'a'))\n{code}"
    )
    path.chmod(0o755)
    return path


def calls(folder):
    return (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Neither the user's programs nor what the user's cache holds."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    monkeypatch.setenv("PATH", str(bin_folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MTCLI_COMET", raising=False)
    return bin_folder


@pytest.mark.parametrize(
    ("name", "code"), [("comet-score", COMET_SCORE), ("pymarian-eval", PYMARIAN)]
)
def test_a_program_on_the_path(alone, name, code):
    program(alone, name, code)
    measured = measure("comet", TEXTS, Scoring())
    assert measured.metric == "COMET"
    assert measured.score == pytest.approx(MEAN)
    assert measured.line_scores() == [len(text) / 100 for text in HYPOTHESES]
    assert measured.signature.startswith(f"nrefs:1|program:{name}|model:default|version:mtcli-")


def test_a_program_that_is_named_with_options_and_a_model(alone, tmp_path, monkeypatch):
    path = program(tmp_path, "pymarian-eval", PYMARIAN)
    monkeypatch.setenv("MTCLI_COMET", f"{path} -c 4")
    measured = measure("comet:Some-Model", TEXTS, Scoring())
    assert measured.metric == "COMET:Some-Model"
    (call,) = calls(tmp_path)
    assert call.startswith("-c 4 -s ")
    assert call.endswith(" -m Some-Model")


def test_a_machine_without_gpu(alone):
    program(alone, "comet-score", COMET_SCORE)
    measure("comet:m", TEXTS, Scoring())
    assert calls(alone)[0].endswith("--quiet --to_json " + calls(alone)[0].split(" ")[8]
                                    + " --model m --gpus 0")  # fmt: skip


def test_what_was_scored_before_is_not_scored_again(alone):
    path = program(alone, "comet-score", COMET_SCORE)
    first = measure("comet", TEXTS, Scoring())
    again = measure("comet", TEXTS, Scoring())
    assert again.line_scores() == first.line_scores()
    assert len(calls(alone)) == 1
    measure("comet:other", TEXTS, Scoring())
    measure("comet", Texts(["x", "y", "z"], TEXTS.references, TEXTS.sources), Scoring())
    assert len(calls(alone)) == 3
    os.utime(path, ns=(1, 1))  # another version of the program
    measure("comet", TEXTS, Scoring())
    assert len(calls(alone)) == 4


def test_damaged_and_missing_places_of_the_cache(alone, tmp_path, monkeypatch):
    program(alone, "comet-score", COMET_SCORE)
    measure("comet", TEXTS, Scoring())
    (kept,) = (tmp_path / "cache/mtcli/scores").iterdir()
    kept.write_text("[1, 2")
    assert measure("comet", TEXTS, Scoring()).score == pytest.approx(MEAN)
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert measure("comet", TEXTS, Scoring()).score == pytest.approx(MEAN)


def test_comet_without_its_program_or_sources(alone, monkeypatch):
    for action in (check_program, lambda name: measure(name, TEXTS, Scoring())):
        with pytest.raises(ConfigError) as caught:
            action("comet")
        assert str(caught.value) == (
            "the metric `comet` needs `comet-score` or `pymarian-eval`, and neither is installed\n"
            "hint: install one in an environment of its own, and set `MTCLI_COMET` to its path"
        )
    monkeypatch.setenv("MTCLI_COMET", "/nowhere/comet-score")
    with pytest.raises(ConfigError, match="names `/nowhere/comet-score`, and there is no such"):
        check_program("comet:m")
    with pytest.raises(ConfigError, match="needs the sources"):
        evaluate(["a"], ["a"], tgt_lang="de", metrics=["comet"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("sys.exit('no such model')", "failed with exit code 1: no such model"),
        ("", "wrote no scores that can be read: FileNotFoundError"),
        ("open(sys.argv[sys.argv.index('--to_json') + 1], 'w').write('[]')", "wrote no scores"),
        ("open(sys.argv[sys.argv.index('--to_json') + 1], 'w').write('{\"a\": []}')",
         "printed 0 numbers for 3 lines"),
    ],
)  # fmt: skip
def test_a_program_that_fails(alone, code, message):
    program(alone, "comet-score", code)
    with pytest.raises(DataError, match=message):
        measure("comet", TEXTS, Scoring())


# ------------------------------------------------------------------------------------- commands


def command(folder, code):
    return f"command:{program(folder, 'mine', 'import sys' + chr(10) + code)} 'an option'"


def test_a_command_reads_fields_and_prints_numbers(tmp_path):
    name = command(
        tmp_path,
        "for line in sys.stdin.buffer.read().decode().split('\\n')[:-1]:\n"
        "    print(len(line.split('\\t')), flush=True)",
    )
    (score,) = evaluate(
        HYPOTHESES, [["a"] * 3, ["b"] * 3], tgt_lang="de", metrics=[name], with_interval=True
    )
    assert (score.metric, score.score) == (name, 4)  # source, hypothesis, two references
    assert (score.low, score.high) == (4, 4)
    assert calls(tmp_path) == ["an option"]
    assert score.signature.startswith("nrefs:2|bs:1000|seed:12345|command:")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print(1)", "printed 1 numbers for 3 lines"),
        ("print('1\\n2\\nx')", "printed `x` in line 3, which is not a number"),
        ("print('nan\\n2\\n3')", "printed `nan` in line 1"),
        ("pass", "printed 0 numbers for 3 lines"),
        ("sys.exit(7)", "failed with exit code 7\n"),
    ],
)
def test_a_command_that_fails(tmp_path, code, message):
    with pytest.raises(DataError, match=message):
        measure(command(tmp_path, code), TEXTS, Scoring())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("command:nowhere 1", "`command:nowhere 1` cannot be run: there is no program `nowhere`"),
        ("command:a 'b", "is not a command: No closing quotation"),
    ],
)
def test_commands_that_are_not_there(name, message):
    with pytest.raises(ConfigError, match=message):
        check_program(name)
