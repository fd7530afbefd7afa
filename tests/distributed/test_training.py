"""Two processes over gloo: the same update as one, an uneven end, one voice."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from safetensors.numpy import load_file

from mtcli.config.load import load_config
from mtcli.training.setup import train
from tests.support.small_run import write_run
from tests.support.warm import PYTHON_M, run_ranks

# A large eps: where the gradient is rounding error (biases of keys), Adam would follow its sign.
NO_DROPOUT = ("model.dropout=0.0", "optim.eps=0.01")


TRACKED = ("--set", "logging=[{kind: tensorboard}]") if find_spec("tensorboard") else ()


def launch(folder, *options):
    """`mtcli train` with a launcher, as a user starts it."""
    command = [sys.executable, "-m", "mtcli", "train", "config.yaml", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    train(load_config(write_run(folder, *NO_DROPOUT), working_dir=folder))
    return folder


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    write_run(folder, *NO_DROPOUT)
    result = launch(folder, "--nproc", "2", *TRACKED)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_two_processes_make_the_updates_of_one(alone, together):
    """Over 12 updates in float32, through two epochs that end unevenly."""
    one, two = (
        load_file(folder / "run/checkpoints/step_00000012/model.safetensors")
        for folder in (alone, together[0])
    )
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=2e-3, atol=2e-5, err_msg=name)


def test_only_the_main_process_speaks(together):
    _, result = together
    assert result.stderr.count("validation at step 12") == 1
    assert "2 processes of " in result.stderr


def test_only_the_main_process_logs_to_trackers(together):
    pytest.importorskip("tensorboard")
    folder, _ = together
    (file,) = (folder / "run/tensorboard").iterdir()
    assert b"valid/bleu" in file.read_bytes()


def test_it_resumes_on_another_number_of_processes(together):
    folder, _ = together
    config = load_config(folder / "config.yaml", ["training.max_steps=14"], working_dir=folder)
    assert train(config).is_finished
    log = (folder / "run/train.log").read_text()
    assert "resuming from the checkpoint of step 12" in log
    assert "this run started with 2 processes of " in log


def test_it_resumes_in_the_processes_that_were_measured_for_it(together):
    """A number that was typed is not kept, but the run says that it is another."""
    folder, _ = together
    typed = launch(folder, "--set", "training.max_steps=15")
    assert "1 process of " in typed.stderr
    assert "warning: this run started with 2 processes" in typed.stderr
    (folder / "run/nproc.json").write_text('{"nproc": 2, "why": "faster", "fingerprint": "any"}')
    measured = launch(folder, "--set", "training.max_steps=16")
    assert measured.returncode == 0, measured.stderr
    assert "2 processes of " in measured.stderr
    assert "warning: this run started" not in measured.stderr


def test_a_mistake_is_told_once(tmp_path):
    path = write_run(tmp_path, *NO_DROPOUT)
    (tmp_path / "train.de").write_text("nur eine\n", encoding="utf-8")
    result = launch(tmp_path, "--nproc", "2")
    assert result.returncode == 2
    assert result.stderr.count("error:") == 1
    assert "Traceback" not in result.stderr
    assert path.exists()


def test_skipped_layers_and_two_passes_train_on_two_processes(tmp_path):
    """Each process skips other layers: DDP would wait for ever for a gradient that never comes."""
    write_run(tmp_path, "regularization={layer_dropout: {value: 0.5}, rdrop: {value: 2}}")
    command = [*PYTHON_M, "mtcli", "train", "config.yaml", "--nproc", "2"]
    main, other = run_ranks(command, 2, cwd=tmp_path)
    assert (main.returncode, other.returncode) == (0, 0), main.stderr + other.stderr
    assert "validation at step 12" in main.stderr
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().split("\n")[-2])
    assert last["total_tgt_tokens_computed"] == 2 * last["total_tgt_tokens"]
    own = load_file(tmp_path / "run/checkpoints/step_00000012/model.safetensors")
    assert all(np.isfinite(array).all() for array in own.values())
