"""What `--check` says: the same for people and for programs, and every warning of training."""

import json
import logging
from functools import partial

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.config.load import load_config
from mtcli.data.statistics import corpus_statistics
from mtcli.training import check as check_module
from mtcli.training.check import check
from mtcli.training.check_data import describe_texts, oddest_pairs
from mtcli.training.finding import collected_warnings
from tests.support.small_run import write_run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(*overrides, budget_s=None):
    config = load_config("config.yaml", overrides)
    return {finding.name: finding for finding in check(config, budget_s)}


def test_the_texts_are_counted_and_shown():
    pairs = [("A dog runs.", "Ein Hund rennt.")] * 3 + [("same", "same"), ("x", " ")]
    pairs += [(f"number {n} is a number", f"{n} ist eine Zahl") for n in range(40)]
    pairs += [("a" * 700, "b"), ("c", "d\x07" * 90)]
    found = describe_texts(corpus_statistics(pairs), 5, seed=1)
    assert found.values["num_read"] == len(pairs)
    assert found.values["identical"]["count"] == 1
    assert found.values["doubled"]["count"] == 2
    assert found.values["blank"] == {"count": 1, "share": 1 / len(pairs)}
    assert [pair["number"] for pair in found.values["oddest_pairs"]][:2] == [47, 46]
    assert len(found.values["random_pairs"]) == 3
    rows = {row["from_chars"]: row["count"] for row in found.values["src"]["histogram"]}
    assert rows == {1: 2, 11: 13, 21: 30, 41: 0, 81: 0, 161: 0, 321: 0, 641: 1}
    text = "\n".join(found.lines)
    assert (
        "pairs read: 47; identical 1 (2.1%), doubled 2 (4.3%), blank 1 (2.1%); 5 blank lines"
        in text
    )
    assert "above 640" in text
    assert "\x07" not in text
    assert describe_texts(corpus_statistics(pairs), 5, seed=1) == found


def test_the_oddest_pairs_are_those_whose_lengths_do_not_fit():
    usual = [(n, "s" * (20 + n), "t" * (22 + n)) for n in range(50)]
    odd = [(50, "s" * 40, "t"), (51, "s", "t" * 60), (52, "s" * 40, "t")]
    assert [number for number, _, _ in oddest_pairs(usual + odd, 2)] == [51, 50]
    assert oddest_pairs([], 3) == []


def test_the_time_follows_from_the_updates_that_were_measured(folder):
    found = findings()
    update, training = found["update"].values, found["training"].values
    assert training["num_updates"] == 12
    assert training["seconds"] == pytest.approx(12 * update["seconds"])
    assert 0 < update["num_tgt_tokens"] <= 200
    assert "training: 12 updates, " in found["training"].lines[0]
    limited = findings(budget_s=3 * update["seconds"])["training"].values
    assert limited["num_updates"] <= 12
    endless = findings("training.max_steps=null")["training"]
    assert endless.values["num_updates"] is None
    assert endless.lines[0].startswith("training: until you stop it; an epoch takes about ")


def test_a_large_corpus_is_read_whole_and_tokenized_from_a_sample(folder, monkeypatch):
    whole = findings()["corpus"].values
    monkeypatch.setattr(
        check_module, "corpus_statistics", partial(corpus_statistics, sample_size=150)
    )
    with (folder / "train.en").open("a") as src, (folder / "train.de").open("a") as tgt:
        src.write("\nba\n")
        tgt.write("\n\n")
    found = findings()
    sampled = found["corpus"].values
    assert found["texts"].values["is_sample"]
    assert sampled["is_sample"]
    assert sampled["drops"]["empty"] == 2
    assert (sampled["num_training_pairs"], sampled["num_read"]) == (200, 202)
    assert sampled["num_tgt_tokens"] == pytest.approx(whole["num_tgt_tokens"], rel=0.2)
    assert sampled["updates_per_epoch"] == pytest.approx(whole["updates_per_epoch"], rel=0.25)
    assert "training pairs: about 200 of 202" in found["corpus"].lines[0]


def test_every_warning_of_training_is_told_once(folder):
    rows = [f"{src}\t{tgt}" for src, tgt in zip(
        (folder / "train.en").read_text().split("\n"),
        (folder / "train.de").read_text().split("\n"), strict=True,
    )]  # fmt: skip
    (folder / "a.tsv").write_text("\n".join([*rows, "one column"]) + "\n")
    found = findings("data.train=[{path: a.tsv, bad_lines: drop}]")["warnings"]
    expected = f"data.train: {folder / 'a.tsv'}: dropped 1 bad line; line "
    assert [w.startswith(expected) for w in found.values].count(True) == 1
    assert found.lines[0] == f"warnings: {len(found.values)}"


def test_warnings_are_collected_from_all_modules_and_levels():
    with collected_warnings() as warnings:
        for name in ("mtcli.data.x", "mtcli.training.y", "mtcli.training.y"):
            logging.getLogger(name).warning("%d of %s", 3, name)
        logging.getLogger("mtcli.data.x").info("not this")
        logging.getLogger("other").warning("nor this")
    logging.getLogger("mtcli.data.x").warning("nor that")
    assert warnings == ["3 of mtcli.data.x", "3 of mtcli.training.y"]


def invoke(*arguments):
    return CliRunner().invoke(app, ["train", "config.yaml", *arguments])


def test_json_has_the_same_content(folder):
    before = sorted(folder.iterdir())
    result = invoke("--check", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert result.stderr == ""
    assert list(found) == [
        "format_version", "config", "device", "texts", "corpus", "model", "longest_batch", "update",
        "training", "warnings",
    ]  # fmt: skip
    assert found["format_version"] == 1
    assert found["corpus"]["num_training_pairs"] == 200
    assert found["longest_batch"]["peak_memory_bytes"] > 1_000_000
    assert sorted(folder.iterdir()) == before


def test_warnings_before_an_error_are_not_lost(folder):
    (folder / "a.tsv").write_text("a\tb\nc\n" + "d\te\n" * 3)
    result = invoke("--check", "--set=data.train=[{path: a.tsv, bad_lines: drop}]", "--json")
    assert result.exit_code == 2  # five pairs are too few for the vocabulary
    assert "warning: data.train: " in result.stderr
    assert "dropped 1 bad line; line 2 has 1 column" in result.stderr
