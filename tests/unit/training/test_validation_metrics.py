"""`validation.metrics` chooses what is computed, and every metric can choose the best model."""

import json
import sys

import pytest

from mtcli.config.load import load_config
from mtcli.errors import ConfigError
from mtcli.runs.ranking import is_zero, rank_key
from mtcli.training.setup import train
from tests.support.small_run import write_run


def test_what_is_computed_by_default(tmp_path):
    validation = load_config(write_run(tmp_path), working_dir=tmp_path).validation
    assert (validation.computed, validation.best_by) == (["bleu", "chrf"], "bleu")


@pytest.mark.parametrize(
    ("best_by", "computed"),
    [("accuracy", ["ter", "accuracy"]), ("ter", ["ter"]), ("loss", ["ter"])],
)
def test_what_chooses_is_computed_too(tmp_path, best_by, computed):
    path = write_run(tmp_path, "validation.metrics=[ter]", f"validation.best_by={best_by}")
    assert load_config(path, working_dir=tmp_path).validation.computed == computed


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "validation.best_by=blue",
            "`blue` is not a metric; did you mean `bleu`? use one of: `bleu`, `chrf`",
        ),
        ("validation.best_by=rougeL", "did you mean `rouge-l`? use one of"),
        ("validation.metrics=[bleu, loss]", "`loss` is not a metric; use one of: `bleu`"),
    ],
)
def test_names_that_are_no_metrics(tmp_path, override, message):
    path = write_run(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_config(path, [override], working_dir=tmp_path)
    assert message in str(caught.value)


def test_the_rank_of_scores():
    assert rank_key("accuracy", {"accuracy": 50.0}) > rank_key("accuracy", {"accuracy": 40.0})
    assert rank_key("ter", {"ter": 40.0}) > rank_key("ter", {"ter": 50.0})
    # equal scores of a run that computes no chrF: the loss decides, then the earlier one stays
    low, high = ({"accuracy": 50.0, "loss": loss} for loss in (1.0, 2.0))
    assert rank_key("accuracy", low) > rank_key("accuracy", high)
    assert rank_key("accuracy", low) == rank_key("accuracy", dict(low))
    assert is_zero("accuracy", 0.004)
    assert not is_zero("ter", 0.0)  # which is perfect


def test_a_run_with_metrics_of_its_own(tmp_path):
    overrides = "validation.metrics=[accuracy, ter]", "validation.best_by=rouge-l"
    path = write_run(tmp_path, *overrides, "validation.every_steps=2", "training.max_steps=2")
    train(load_config(path, working_dir=tmp_path))
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    (record,) = [r for r in map(json.loads, lines) if r["kind"] == "validation"]
    assert list(record["scores"]) == ["accuracy", "ter", "rouge-l"]
    assert list(record["signatures"]) == ["accuracy", "ter", "rouge-l"]
    assert (record["bleu"], record["chrf"]) == (None, None)
    assert (record["best_by"], record["best_score"]) == ("rouge-l", record["scores"]["rouge-l"])
    scores = json.loads((tmp_path / "run/best/scores.json").read_text())["scores"]
    assert [score["metric"] for score in scores][:4] == ["accuracy", "TER", "ROUGE-L", "loss"]
    log = (tmp_path / "run/train.log").read_text()
    assert f"validation at step 2: ROUGE-L {record['scores']['rouge-l']:.2f}, accuracy " in log


def test_a_program_chooses_the_best_model(tmp_path, monkeypatch):
    """It stands in for COMET, and likes every text less than the one before."""
    program = tmp_path / "pymarian-eval"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "given = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "calls = open(sys.argv[0] + '.calls', 'a')\n"
        "print('called', file=calls, flush=True)\n"
        "number = open(calls.name).read().count('called')\n"
        "lines = open(given['-t'], encoding='utf-8').read().split('\\n')[:-1]\n"
        "assert len(open(given['-s'], encoding='utf-8').read().split('\\n')) == len(lines) + 1\n"
        "open(given['-o'], 'w').write(f'{-number / 10}\\n' * len(lines))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("MTCLI_COMET", str(program))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    overrides = "validation.metrics=[comet]", "validation.best_by=comet"
    path = write_run(tmp_path, *overrides, "validation.every_steps=4", "training.max_steps=8")
    train(load_config(path, working_dir=tmp_path))
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    records = [r for r in map(json.loads, lines) if r["kind"] == "validation"]
    assert [record["best_step"] for record in records] == [4, 4]
    assert records[0]["scores"] == {"comet": pytest.approx(-0.1)}
    assert (tmp_path / "run/best").resolve().name == "step_00000004"
    assert "COMET -0.1000, loss" in (tmp_path / "run/train.log").read_text()


def test_a_missing_program_is_told_before_training(tmp_path, monkeypatch):
    monkeypatch.setenv("MTCLI_COMET", "/nowhere/comet-score")
    path = write_run(tmp_path, "validation.metrics=[comet]")
    with pytest.raises(ConfigError, match="there is no such program"):
        train(load_config(path, working_dir=tmp_path))
    assert not (tmp_path / "run").exists()
