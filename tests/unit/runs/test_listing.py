"""What `mtcli runs` knows of runs, whatever state they are in."""

import os
from pathlib import Path

import pytest

from mtcli.errors import MtcliError, RunFolderError
from mtcli.folders import write_json
from mtcli.runs.listing import (
    as_record,
    differing_keys,
    find_runs,
    read_runs,
    summarize,
    usual_values,
)
from mtcli.runs.lock import locked
from mtcli.runs.metrics import newest_metrics, read_metrics
from tests.support.made_runs import append_metrics, write_made_run


def test_a_finished_run(tmp_path):
    run = summarize(write_made_run(tmp_path / "a").path)
    assert (run.state, run.step, run.total_steps, run.problem) == ("finished", 40, 40, None)
    assert (run.best_by, run.best_step, run.tgt_tokens) == ("bleu", 40, 80_000)
    assert run.elapsed_s == pytest.approx(10.1)
    assert run.cpu_s == pytest.approx(16.1)
    assert run.best_score == pytest.approx(5.277, abs=1e-3)


def test_the_metric_of_an_old_run_is_that_of_its_config(tmp_path):
    folder = write_made_run(tmp_path / "a").path
    metrics = folder / "metrics.jsonl"
    metrics.write_text(metrics.read_text().replace('"best_by": "bleu", ', ""))
    assert summarize(folder).best_by == "bleu"


def test_a_stopped_run_is_one_that_has_steps_left(tmp_path):
    run = write_made_run(tmp_path / "a", total_steps=100)
    assert summarize(run.path).state == "stopped"


def test_a_run_that_patience_ended_is_finished(tmp_path):
    run = write_made_run(tmp_path / "a", "validation.patience=3", total_steps=100)
    state = run.checkpoint(40) / "state.json"
    for num_worse, expected in ((2, "stopped"), (3, "finished")):
        progress = {"step": 40, "total_steps": 100}
        write_json(state, {"progress": progress, "best": {"num_worse": num_worse}})
        assert summarize(run.path).state == expected


def test_a_run_that_is_training(tmp_path):
    run = write_made_run(tmp_path / "a", total_steps=100)
    with locked(run.path):
        assert summarize(run.path).state == "running"


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_diverged_run(tmp_path, loss):
    run = write_made_run(tmp_path / "a", total_steps=100)
    append_metrics(run, kind="step", step=50, loss_per_token=loss)
    assert summarize(run.path).state == "diverged"


def test_a_run_that_has_saved_nothing(tmp_path):
    run = write_made_run(tmp_path / "a", steps=10, total_steps=100)
    found = summarize(run.path)
    assert (found.state, found.step, found.best_score) == ("unsaved", 10, None)
    run.metrics.unlink()
    assert (summarize(run.path).state, summarize(run.path).step) == ("unsaved", 0)


def test_runs_are_found_wherever_they_are(tmp_path):
    for place in ("runs/a", "runs/deep/er/b", "runs/.hidden/c", "elsewhere/d"):
        write_made_run(tmp_path / place)
    runs = tmp_path / "runs"
    (runs / "link").symlink_to(tmp_path / "elsewhere/d")
    (runs / "around").symlink_to(tmp_path / "runs")
    (runs / "no_run").mkdir()
    (runs / "no_run/config.yaml").write_text("src_lang: en\n")  # a config that never ran
    names = [path.relative_to(runs).as_posix() for path in find_runs(runs)]
    assert names == ["a", "deep/er/b", "link"]
    assert find_runs(runs / "a") == [runs / "a"]


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(MtcliError, match="holds no run") as error:
        read_runs(tmp_path)
    assert error.value.hint == "give the folder that your `run_dir` is in"
    with pytest.raises(RunFolderError, match="x does not exist"):
        read_runs(tmp_path / "x")
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="file is not a folder"):
        read_runs(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "content"),
    [("config.yaml", b"a: [1\n"), ("config.yaml", b"a: \xff\n"), ("config.yaml", None)],
)
def test_what_cannot_be_read_is_named_and_the_rest_is_shown(tmp_path, name, content, monkeypatch):
    run = write_made_run(tmp_path / "a")
    if content is None:
        (run.path / name).unlink()
        (run.path / name).symlink_to(run.path / "missing")
        assert find_runs(tmp_path) == []
        return
    (run.path / name).write_bytes(content)
    found = summarize(run.path)
    assert found.problem.startswith(f"{run.path / name} cannot be read: ")
    assert (found.step, found.config) == (40, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_metrics_that_may_not_be_read_are_named(tmp_path):
    run = write_made_run(tmp_path / "a")
    run.metrics.chmod(0)
    assert "metrics.jsonl cannot be read" in summarize(run.path).problem


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"progress": {}}'])
def test_a_damaged_state_counts_as_stopped(tmp_path, content):
    run = write_made_run(tmp_path / "a")
    (run.checkpoint(40) / "state.json").write_bytes(content)
    assert summarize(run.path).state == "stopped"


def test_differences_are_those_of_the_configs(tmp_path):
    for name, overrides in (
        ("a", []),
        ("b", ["optim.lr=1e-3", "seed=7"]),
        ("c", ["optim={kind: muon}"]),
    ):
        write_made_run(tmp_path / name, *overrides)
    runs = read_runs(tmp_path)
    keys = differing_keys(runs)
    assert keys == [("seed",), ("optim", "kind"), ("optim", "lr")] + keys[3:]
    assert ("optim", "adam_lr") not in keys  # only one kind has it
    assert ("run_dir",) not in keys
    usual = usual_values(runs, keys)
    assert usual["seed",] == 1
    assert as_record(runs[1], keys)["config"]["optim.lr"] == 1e-3


def test_runs_of_one_config_do_not_differ(tmp_path):
    for name in "ab":
        write_made_run(tmp_path / name)
    assert differing_keys(read_runs(tmp_path)) == []


@pytest.mark.parametrize("block", [1, 7, 100, 5000, 2**16])
def test_the_end_of_metrics_is_what_reading_all_gives(tmp_path, monkeypatch, block):
    monkeypatch.setattr("mtcli.runs.metrics._BLOCK_BYTES", block)
    run = write_made_run(tmp_path / "a", steps=60)
    with run.metrics.open("a") as file:
        file.write('{"kind": "step", "step": 7')  # killed while it wrote
    steps, validations = read_metrics(run.metrics)
    assert newest_metrics(run.metrics) == (steps[-1], validations[-1])
    assert (len(steps), len(validations)) == (6, 3)


def test_a_stop_that_was_undone_does_not_count(tmp_path):
    run = write_made_run(tmp_path / "a")
    append_metrics(run, kind="validation", step=45, is_stop=True)
    assert newest_metrics(run.metrics)[1]["step"] == 40
    run.stopped.model(45).mkdir(parents=True)
    assert newest_metrics(run.metrics)[1]["step"] == 45


def test_metrics_that_do_not_exist():
    assert newest_metrics(Path("/nowhere/metrics.jsonl")) == (None, None)
