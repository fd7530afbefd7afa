"""`mtcli bench`: a table and a JSON file of figures that hang together, and its refusals."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from mtcli.bench.where_time_goes import CATEGORIES
from mtcli.cli.app import app
from mtcli.system.processes import PARENT_PID
from tests.support.small_run import write_run
from tests.support.warm import WarmProcess

runner = CliRunner()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def warm_workers(monkeypatch):
    """Workers start warm; a slow test starts them as users do."""

    def start(command, *, env, **streams):
        del env[PARENT_PID]  # another process is the parent
        return WarmProcess(command, env=env, **streams)

    stand_in = SimpleNamespace(Popen=start, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr("mtcli.bench.jobs.subprocess", stand_in)


def invoke(*arguments):
    return runner.invoke(app, ["bench", *arguments])


def check_figures(variant):
    training = variant["training"]
    rate = training["tgt_tokens_per_s"]
    assert rate["min"] <= rate["median"] <= rate["max"]
    assert training["tokens_per_s"]["median"] > rate["median"] > 0
    shortest_s = training["seconds_per_step"]["min"]
    assert variant["tgt_tokens_per_step"] / shortest_s == pytest.approx(rate["max"])
    assert 100 < variant["tgt_tokens_per_step"] <= 200
    # not which of the two is higher: at these sizes, on a busy machine, either may be
    limit = variant["matmul_limit_flops_per_s"]["fp32"]
    assert min(limit, training["flops_per_s"]["median"], variant["share_of_matmul_limit"]) > 0
    assert variant["peak_pss_bytes"]["median"] > 100 * 2**20


@pytest.mark.usefixtures("warm_workers")
def test_both_passes_of_rdrop_are_made_and_counted(folder):
    result = invoke(
        *("config.yaml", "--vary", "regularization.rdrop.value=0,5", "--steps", "1"),
        *("--warmup", "1", "--repeats", "1", "--no-decode", "--no-profile", "--json", "found.json"),
    )
    assert result.exit_code == 0, result.output
    variants = json.loads((folder / "found.json").read_text())["variants"]
    one, two = (variant["flops_per_tgt_token"] for variant in variants)
    assert two == pytest.approx(2 * one)


@pytest.mark.usefixtures("warm_workers")
def test_one_config(folder):
    result = invoke(
        *("config.yaml", "--steps", "2", "--warmup", "1", "--repeats", "1"),
        *("--sentences", "3", "--json", "found.json"),
    )
    assert result.exit_code == 0, result.output
    found = json.loads((folder / "found.json").read_text())
    (variant,) = found["variants"]
    assert variant["label"] == "config"
    for hint in found["hints"]:
        assert f"hint: {hint}\n" in result.stdout
    check_figures(variant)
    shares = variant["shares_of_time"]
    assert shares.keys() == {*CATEGORIES, "waiting and python"}
    assert sum(shares.values()) == pytest.approx(1)
    for name in ("matmul", "attention", "loss", "dropout", "normalisation", "optimiser"):
        assert shares[name] > 0, name
    greedy, beam = variant["decoding"]
    assert (greedy["beam_size"], beam["beam_size"]) == (1, 5)
    assert greedy["best_batch_size"] == 3  # there are no more sentences
    for found in (greedy, beam):
        tokens = found["sentences_per_s"]["median"] * found["tgt_tokens_per_sentence"]
        assert tokens == pytest.approx(found["tgt_tokens_per_s"]["median"])
    for text in ("target tokens/s", "time: matmul", "greedy: sentences/s", "beam 5: best batch"):
        assert text in result.stdout, text
    assert "ratio" not in result.stdout
    assert not (folder / "run").exists()  # it trains in a temporary folder


@pytest.mark.slow
def test_variants_take_turns_and_are_compared(folder):
    result = invoke(
        *("config.yaml", "--steps", "2", "--warmup", "0", "--repeats", "2", "--no-decode"),
        *("--no-profile", "--vary", "nproc=1,2", "--threads", "1", "--json", "found.json"),
    )
    assert result.exit_code == 0, result.output
    one, two = json.loads((folder / "found.json").read_text())["variants"]
    assert (one["label"], two["label"]) == ("nproc=1", "nproc=2")
    assert (one["num_processes"], two["num_processes"], two["num_threads"]) == (1, 2, 1)
    for variant in (one, two):
        check_figures(variant)
        assert variant["shares_of_time"] is None
        assert variant["decoding"] == []
    # the same work, however it is split
    for key in ("tgt_tokens_per_step", "flops_per_tgt_token"):
        assert one[key] == pytest.approx(two[key]), key
    assert one["ratio"] == {"median": 1.0, "min": 1.0, "max": 1.0}
    assert two["ratio"]["min"] <= two["ratio"]["median"] <= two["ratio"]["max"]
    order = [line.split(": ")[0] for line in result.stderr.splitlines() if "repeat" in line]
    assert order == [
        "repeat 1 of 2, nproc=1",
        "repeat 1 of 2, nproc=2",
        "repeat 2 of 2, nproc=2",
        "repeat 2 of 2, nproc=1",
    ]
    assert "ratio" in result.stdout


@pytest.mark.usefixtures("warm_workers")
def test_what_the_worker_finds_wrong_is_a_sentence_and_a_hint(folder):
    (folder / "train.de").write_bytes(b"one line\n")
    result = invoke("config.yaml", "--steps", "1")
    assert result.exit_code == 2
    sentence, hint = result.stderr.splitlines()[-2:]
    assert sentence.startswith("error: ")
    assert sentence.endswith("train.de has 1")
    assert hint.startswith("hint: ")
    assert "Traceback" not in result.output


def test_a_model_that_is_none_is_told_first(folder):
    result = invoke("config.yaml", "--steps", "1", "--model", "nosuch")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: nosuch")


@pytest.mark.parametrize(
    ("varied", "sentence"),
    [
        ("nproc=0", "`--vary nproc` must be a whole number, at least 1, found `0`"),
        (
            "training.precision",
            "`training.precision` is not a valid `KEY=V1,V2` for `--vary` hint: use for",
        ),
        ("training.precision=", "`training.precision=` is not a valid `KEY=V1,V2` for `--vary`"),
    ],
)
def test_a_varied_key_that_is_none(folder, varied, sentence):
    result = invoke("config.yaml", "--vary", varied)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())


def test_a_varied_value_that_the_schema_refuses(folder):
    result = invoke("config.yaml", "--vary", "training.precision=fp32,fp31")
    assert result.exit_code == 2
    assert "fp31" in result.stderr


@pytest.mark.usefixtures("warm_workers")
def test_lengths_are_measured_without_any_data(folder):
    (folder / "train.en").unlink()
    result = invoke(
        *("config.yaml", "--lengths", "16,48", "--repeats", "1", "--json", "found.json"),
        *("--plot", "found.svg"),
        *("--vary", "model.encoder_attention=full,{kind: low_rank, rank: 8}"),
        *("--set", "model.max_positions=32"),
        *("--set", "data.max_length=20", "--threads", "1"),
    )
    assert result.exit_code == 0, result.output
    report = json.loads((folder / "found.json").read_text())
    full, low_rank = report["configs"]
    assert full["label"] == "model.encoder_attention=full"
    assert [row["length"] for row in low_rank["lengths"]] == [16, 48]
    assert [row["sentences"] for row in low_rank["lengths"]] == [3, 1]
    for row in full["lengths"] + low_rank["lengths"]:
        assert min(row[key] for key in ("encode_s", "train_step_s", "decode_step_s")) > 0
        assert row["process_peak_bytes"] > 2**27
    assert set(full["exponents"]) >= {"encode", "train_step", "decode_step"}
    assert "measuring 2 lengths of 2 configs\n" in result.stderr
    label = 'model.encoder_attention={"kind": "low_rank", "rank": 8}'
    assert f"4 of 4, {label} at 48 pieces: " in result.stderr
    assert len(result.stdout.splitlines()) == 1 + 2 * 3
    plot = (folder / "found.svg").read_text(encoding="utf-8")
    assert all(text in plot for text in ("encoding, seconds", "attention=full: power", ">48<"))


def test_lengths_that_make_no_curve_are_refused(folder):
    result = invoke("config.yaml", "--lengths", "256")
    assert result.exit_code == 2
    assert "`256` is not a valid list for `--lengths`" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--plot", "found.svg"], "`--plot` needs `--lengths`"),
        (["--plot", "no/found.svg", "--lengths", "16,48"], "the folder no does not exist"),
        (["--plot", ".", "--lengths", "16,48"], ". is a folder"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_refused_before_anything_is_measured(
    folder, arguments, sentence
):
    result = invoke("config.yaml", *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "measuring" not in result.stderr
