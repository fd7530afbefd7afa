"""`mtcli average` on a real run: the mean, the choice, the scores, and what it refuses."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model
from mtcli.cli.app import app
from mtcli.config.load import load_config
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.training.setup import train
from mtcli.workflows.average import Choice, average_models
from tests.support.small_run import write_run

OVERRIDES = (
    "validation={every_steps: 2, best_by: loss}",
    "checkpoints={keep_last: 2, keep_best: 3}",
    "optim.lr=0.1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("average")
    train(load_config(write_run(folder, *OVERRIDES), working_dir=folder))
    return folder


def losses(run):
    lines = map(json.loads, (run / "metrics.jsonl").read_text().split("\n")[:-1])
    return {m["step"]: m["loss_per_token"] for m in lines if m["kind"] == "validation"}


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_mean(model, parts):
    for name, got in weights(model).items():
        want = np.mean([weights(part)[name].astype(np.float64) for part in parts], axis=0)
        np.testing.assert_array_equal(got, want.astype(np.float32), err_msg=name)


def test_the_best_models_are_kept_and_averaged(folder, tmp_path):
    run = folder / "run"
    found = losses(run)
    best = sorted(sorted(found, key=found.get)[:3])
    kept = {int(path.name[5:]) for path in (run / "models").glob("step_*")}
    assert kept == {*best, 10, 12}
    made = average_models(run, Choice(best=3), tmp_path / "mean", validates=False)
    assert made.steps == tuple(best)
    assert_mean(tmp_path / "mean", [run / f"models/step_{step:08d}" for step in best])
    assert read_model(tmp_path / "mean").scores == ()


def test_the_last_and_chosen_ones(folder, tmp_path):
    run = folder / "run"
    there = sorted(int(path.name[5:]) for path in (run / "models").glob("step_*"))
    assert average_models(run, Choice(last=2), tmp_path / "a", validates=False).steps == (10, 12)
    steps = (there[2], there[0])
    made = average_models(run, Choice(steps=steps), tmp_path / "b", validates=False)
    assert made.steps == (there[0], there[2])
    assert_mean(tmp_path / "b", [run / f"models/step_{step:08d}" for step in steps])


def test_torn_lines_of_the_metrics_are_passed_over(folder, tmp_path):
    run = shutil.copytree(folder / "run", tmp_path / "run", symlinks=True)
    metrics = run / "metrics.jsonl"
    torn = b'{"kind": "validation", "sample_source": "\xc3{"kind": "step"}\n'
    metrics.write_bytes(torn + metrics.read_bytes() + b'{"kind')
    assert average_models(run, Choice(last=2), tmp_path / "a", validates=False).steps == (10, 12)


def test_the_average_of_one_has_the_scores_of_the_run(folder, tmp_path):
    made = average_models(folder / "run", Choice(last=1), tmp_path / "one", validates=True)
    want = read_model(folder / "run/models/step_00000012").scores
    assert made.scores == want == read_model(tmp_path / "one").scores


def test_the_command(folder, tmp_path):
    args = ["average", "-m", str(folder / "run"), "--best", "2", "--output", str(tmp_path / "m")]
    result = CliRunner().invoke(app, [*args, "--validate"])
    assert result.exit_code == 0, result.stderr
    assert "mean of the models of steps " in result.stdout
    assert "\nBLEU " in result.stdout
    again = CliRunner().invoke(app, args)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "already exists\nhint: give another folder to `--output`" in again.stderr
    wrong = CliRunner().invoke(
        app, ["average", "-m", "r", "--steps", "1-3", "--output", str(tmp_path / "n")]
    )
    twice = CliRunner().invoke(app, ["average", "-m", "r", "-m", "s", "--output", "n"])
    assert twice.stderr == "error: `--model` takes one value here, found `r` and `s`\n"
    assert wrong.stderr == (
        "error: `1-3` is not a valid list of steps for `--steps`\n"
        "hint: use for example `1000,2000`\n"
    )


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        (Choice(), ConfigError, "needs exactly one of `--last`, `--best` and `--steps`"),
        (
            Choice(last=1, best=2),
            ConfigError,
            "needs exactly one of `--last`, `--best` and `--steps`",
        ),
        (
            Choice(best=9),
            ModelFolderError,
            "`--best 9` needs more models than the 6 that .* has",
        ),
        (Choice(best=6), ModelFolderError, r"one of the best 6 of .* removed\nhint: .*keep_best"),
        (Choice(last=6), ModelFolderError, r"one of the last 6 of .* removed\nhint: .*keep_last"),
        (Choice(steps=(5,)), ModelFolderError, "has no model of step 5, only of step "),
    ],
)
def test_mistakes(folder, tmp_path, choice, error, message):
    with pytest.raises(error, match=message):
        average_models(folder / "run", choice, tmp_path / "mean", validates=False)
    assert not (tmp_path / "mean").exists()


def test_what_is_no_run(tmp_path):
    with pytest.raises(ModelFolderError, match=r"is not a run folder: it has no `config\.yaml`"):
        average_models(tmp_path, Choice(last=1), tmp_path / "mean", validates=False)
