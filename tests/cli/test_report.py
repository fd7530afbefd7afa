import resource
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.cli.choices import TRACKERS
from mtcli.training.observers.loggers import choice, replay
from tests.support.loggers import ToldLogger
from tests.support.made_runs import write_made_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    """In place of the real one, which takes seconds to make."""
    monkeypatch.setattr("mtcli.reports.run_page.drawing_script", lambda: "/* none */")


def run(*arguments):
    result = CliRunner().invoke(app, ["report", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_page_is_in_the_run_folder_and_its_path_is_printed(tmp_path, script):
    made = write_made_run(tmp_path / "a")
    result = run(made.path)
    assert (result.exit_code, result.stdout) == (0, f"{made.path / 'report.html'}\n")
    assert "Report of a" in (made.path / "report.html").read_text(encoding="utf-8")


def test_several_runs_in_a_file(tmp_path, script):
    runs = [write_made_run(tmp_path / name).path for name in ("a", "other/a")]
    result = run(*runs, "--html", tmp_path / "both.html")
    assert result.stdout == f"{tmp_path / 'both.html'}\n"
    page = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert f"Report of {runs[0]}, {runs[1]}" in page  # one name would not tell which is which
    assert not (runs[0] / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["a", "a/"], "a and a are the same run"),
        (["a", "--html", "a"], "a is a folder"),
    ],
)
def test_refusals(tmp_path, script, monkeypatch, arguments, sentence):
    write_made_run(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {sentence}\nhint: ")
    assert not (tmp_path / "a/report.html").exists()


def test_a_run_is_logged_later(tmp_path, script):
    pytest.importorskip("tensorboard")
    made = write_made_run(tmp_path / "a")
    result = run(made.path, "--to", "tensorboard")
    assert (result.exit_code, result.stdout) == (0, f"{made.path / 'tensorboard'}\n")
    assert not (made.path / "report.html").exists()
    result = run(made.path, "--to", "tensorboard")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {made.path / 'tensorboard'} has event files already")


def test_several_runs_are_logged_into_folders_of_their_names(tmp_path, script):
    pytest.importorskip("tensorboard")
    runs = [write_made_run(tmp_path / name).path for name in ("a", "b")]
    page, out = tmp_path / "both.html", tmp_path / "out"
    result = run(*runs, "--to", "tensorboard", "--output", out, "--html", page)
    assert result.stdout.splitlines() == [str(out / "a"), str(out / "b"), str(page)]
    assert [path.parent.name for path in sorted(out.glob("*/events.out.tfevents.*"))] == ["a", "b"]


@pytest.mark.parametrize("tracker", TRACKERS)
def test_each_tracker_gets_the_run(tmp_path, monkeypatch, tracker):
    told = ToldLogger()
    monkeypatch.setattr(replay, "check_loggers", lambda configs: None)
    monkeypatch.setattr(replay, "make_logger", lambda config: told)
    made = write_made_run(tmp_path / "a")
    assert run(made.path, "--to", tracker).exit_code == 0
    assert told.names == [
        "begin", "scalars", "scalars", "scalars", "sample", "scalars", "scalars", "scalars",
        "sample", "end",
    ]  # fmt: skip
    assert told.calls[0] == ("begin", 10)


@pytest.mark.parametrize("method", ["begin", "scalars", "sample", "end"])
def test_a_tracker_that_fails_is_an_error(tmp_path, monkeypatch, method):
    monkeypatch.setattr(replay, "check_loggers", lambda configs: None)
    monkeypatch.setattr(replay, "make_logger", lambda config: ToldLogger(fails_in=method))
    made = write_made_run(tmp_path / "a")
    result = run(made.path, "--to", "wandb")
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {made.path} cannot be logged to A tracker: OSError: no route to host\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a", "--output", "b"], "`--output` needs `--to`\nhint: give a page its name"),
        (["nowhere", "--to", "wandb"], "nowhere does not exist\nhint: give the `run_dir`"),
        (["a", "--to", "mlflow", "--output", "b"], "`--output` does not go with `--to mlflow`"),
        (["a", "--to", "trackio", "--output", "b"], "`--output` does not go with `--to trackio`"),
        (["a", "--to", "tensorboard"], "logging to tensorboard needs the library `tensorboard`"),
        (["empty", "--to", "wandb"], "empty has nothing to log: metrics.jsonl has no records"),
        (["odd", "--to", "wandb"], "odd/config.yaml: `logging` is not valid: "),
    ],
)
def test_refusals_of_trackers(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.setattr(choice, "find_spec", lambda name: name == "wandb" or None)
    write_made_run(tmp_path / "a")
    write_made_run(tmp_path / "empty").metrics.unlink()
    write_made_run(tmp_path / "odd").config.write_text("logging: [{kind: wandb, x: 1}]\n")
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {sentence}")


def test_a_tracker_must_be_known(tmp_path):
    result = run(write_made_run(tmp_path / "a").path, "--to", "excel")
    assert result.exit_code == 2
    assert "must be one of `tensorboard`" in " ".join(result.stderr.split())


def test_the_trackers_are_those_of_the_config():
    assert set(TRACKERS) == set(get_args(replay.Tracker))


@pytest.mark.slow
def test_a_report_is_fast_and_small_and_needs_no_torch(tmp_path):
    """A run of 10,000 steps, with as many reports as a plot shows, and 20 validations."""
    made = write_made_run(tmp_path / "a", steps=10_000, log_every=10, validate_every=500)
    code = (
        "import sys\nfrom mtcli.cli.app import app\n"
        "app(['report', sys.argv[1]], standalone_mode=False)\n"
        "print([n for n in ('torch', 'sacrebleu', 'datasets') if n in sys.modules])"
    )
    took_s = []
    for _ in range(3):  # what other work on the machine takes from its caches differs
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code, str(made.path)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.stdout.endswith("[]\n")
    size_bytes = (made.path / "report.html").stat().st_size
    print(f"{took_s} CPU seconds, {size_bytes / 1e6:.2f} MB")
    assert size_bytes < 1.5e6
    assert min(took_s) < 3.0
