import csv
import io
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from tests.support.made_runs import append_metrics, write_made_run

ROOT = Path(__file__).parents[2]


def run(*arguments):
    result = CliRunner().invoke(app, ["runs", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write_made_run(folder / "a")
    write_made_run(folder / "b", "optim.lr=1e-3", steps=60, total_steps=100)
    write_made_run(folder / "c", steps=10)
    diverged = write_made_run(folder / "d", "validation.best_by=loss")
    append_metrics(diverged, kind="validation", best_by="loss", best_score=0.5)
    return folder


def test_table(folder):
    result = run(folder)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0][:6] == ["run", "state", "step", "best", "at", "tokens"]
    assert [line[0] for line in lines[1:]] == ["a", "b", "c", "d"]
    assert lines[1][1:6] == ["finished", "40/40", "bleu", "5.28", "40"]
    assert lines[2][1:3] == ["stopped", "60/100"]
    assert lines[2][-1] == "optim.lr=0.001"
    assert lines[3][1:5] == ["unsaved", "10/10", "-", "-"]
    assert lines[4][3:5] == ["loss", "0.50"]
    assert lines[4][-1] == "validation.best_by=loss"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--sort", "score"], "badc"),  # BLEU, then the loss; c has none
        (["--sort", "score", "--reverse"], "dabc"),
        (["--sort", "step"], "badc"),
        (["--sort", "hours"], "badc"),
        (["--sort", "tokens"], "badc"),
        (["--sort", "state"], "adbc"),
        (["--reverse"], "dcba"),
    ],
)
def test_sorted(folder, options, names):
    rows = list(csv.DictReader(io.StringIO(run(folder, "--csv", *options).stdout)))
    assert "".join(Path(row["run"]).name for row in rows) == names


def test_json_and_csv_hold_the_same(folder):
    content = json.loads(run(folder, "--json").stdout)
    assert content["format_version"] == 1
    records = content["runs"]
    assert records[1]["config"] == {"optim.lr": 1e-3, "validation.best_by": "bleu"}
    assert (records[2]["best_score"], records[2]["state"]) == (None, "unsaved")
    rows = list(csv.DictReader(io.StringIO(run(folder, "--csv").stdout)))
    for record, row in zip(records, rows, strict=True):
        config = record.pop("config")
        assert row == {
            **{name: "" if value is None else str(value) for name, value in record.items()},
            **{name: str(value) for name, value in config.items()},
        }


def test_a_score_that_is_no_number_is_null_in_json(tmp_path):
    made = write_made_run(tmp_path / "a")
    append_metrics(made, kind="validation", best_score=float("nan"))
    assert json.loads(run(tmp_path, "--json").stdout)["runs"][0]["best_score"] is None


def test_a_damaged_config_is_a_warning(tmp_path):
    made = write_made_run(tmp_path / "a")
    made.config.write_text("a: [1\n")
    result = run(tmp_path)
    assert result.stderr.startswith(f"warning: {made.config} cannot be read: line 2")
    assert "finished" in result.stdout


def test_both_formats_are_refused(folder):
    result = run(folder, "--json", "--csv")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: `--json` and `--csv` exclude each other\nhint: give one of them\n"
    )


def test_a_column_that_there_is_not(folder):
    result = run(folder, "--sort", "loss")
    assert result.exit_code == 2
    assert "must be one of `name`, `state`, `step`" in result.stderr


def test_200_runs_take_less_than_a_second_and_no_torch(tmp_path):
    """Must 3 of the issue, in CPU seconds, which other work on the machine does not change."""
    first = write_made_run(tmp_path / "runs/run_000", steps=10_000, log_every=50)
    text = first.config.read_text(encoding="utf-8")
    for number in range(1, 200):
        copy = tmp_path / f"runs/run_{number:03}"
        shutil.copytree(first.path, copy, symlinks=True)
        changed = text.replace("seed: 1\n", f"seed: {number + 1}\n").replace("run_000", copy.name)
        (copy / "config.yaml").write_text(changed, encoding="utf-8")
    script = (
        "import sys\nfrom mtcli.cli.app import app\n"
        "app(['runs', sys.argv[1]], standalone_mode=False)\n"
        "print([n for n in ('torch', 'numpy', 'pydantic', 'ruamel.yaml') if n in sys.modules],"
        " file=sys.stderr)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "runs")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.count("\n") == 201
    assert done.stdout.count("seed=") == 199
    assert done.stderr == "[]\n"
    took_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert took_s < 1.0
