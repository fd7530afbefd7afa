"""Signals that reach a command where Python would lose them: while it imports, and at a fork."""

import signal
import subprocess
import sys

import pytest

from tests.support import warm
from tests.support.model_folder import write_tiny_model
from tests.support.small_run import write_run
from tests.support.tokenizers import train_on_words

NUMBERS = [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP]

needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")

# The rest of the arguments are those of mtcli.
AT_AN_IMPORT = """
import os, runpy, sys
number, module = int(sys.argv.pop(1)), sys.argv.pop(1)
class Sender:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == module:
            os.kill(os.getpid(), number)
sys.meta_path.insert(0, Sender)
runpy.run_module("mtcli", run_name="__main__", alter_sys=True)
"""

AT_A_FORK = """
import os, runpy, sys, torch
number, moment = int(sys.argv.pop(1)), sys.argv.pop(1)
torch.set_num_threads(2)
os.register_at_fork(**{moment: lambda: os.kill(os.getpid(), number)})
runpy.run_module("mtcli", run_name="__main__", alter_sys=True)
"""


def with_signals(program, number, place, *arguments, runs=subprocess.run, **options):
    command = [sys.executable, "-c", program, str(int(number)), place, *map(str, arguments)]
    done = runs(command, capture_output=True, check=False, timeout=120, **options)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("module", ["mtcli.cli.app", "typer", "pydantic_core"])
def test_training_exits_75_when_a_signal_comes_while_it_imports(tmp_path, number, module):
    write_run(tmp_path)
    found = with_signals(AT_AN_IMPORT, number, module, "train", "config.yaml", cwd=tmp_path)
    assert found == (75, "")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "arguments", [("train", "no.yaml", "--check"), ("translate", "-m", "no"), ("--version",)]
)
def test_others_exit_as_shells_have_it(tmp_path, number, arguments):
    found = with_signals(AT_AN_IMPORT, number, "typer", *arguments, cwd=tmp_path)
    assert found == (128 + number, "")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signals")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    text = "sef dolu\nralo teku minaro\npav\nerin kostu ralo\n" * 5
    (folder / "text").write_text(text, encoding="utf-8")
    return folder / "model"


@needs_fork
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("moment", ["before", "after_in_parent"])
def test_a_signal_at_the_fork_of_the_workers_ends_the_command(model, tmp_path, number, moment):
    text, output = model.parent / "text", tmp_path / "output"
    for arguments in (
        ("translate", "--threads", "2", "--engine", "torch", "-q", "-i", text, "-o", output),
        ("eval", "--src", text, "--ref", text),
    ):
        options = ("-m", model, "--batch-size", "2", "--device", "cpu")
        code, stderr = with_signals(
            AT_A_FORK, number, moment, *arguments, *options, runs=warm.run, cwd=tmp_path
        )
        assert code == 128 + number, stderr
        assert "Traceback" not in stderr
        assert "Exception ignored" not in stderr
        assert not output.exists() or output.read_bytes() == b""


@needs_fork
def test_a_signal_that_only_workers_get_at_their_fork_is_not_for_them(model, tmp_path):
    text, output = model.parent / "text", tmp_path / "output"
    arguments = ("translate", "-m", model, "--threads", "2", "--engine", "torch", "-q")
    files = ("--batch-size", "2", "-i", text, "-o", output)
    code, stderr = with_signals(
        AT_A_FORK, signal.SIGTERM, "after_in_child", *arguments, *files, runs=warm.run
    )
    assert (code, stderr) == (0, "")
    assert output.read_bytes().count(b"\n") == 20
