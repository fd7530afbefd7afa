"""Signals at random moments of the start and of the middle of training and translating."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import train
from tests.support.model_folder import write_tiny_model
from tests.support.small_run import write_run
from tests.support.tokenizers import train_on_words
from tests.support.warm import WarmProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc"),
]

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1]
START_S = 10.0
"""The start of a command, in which a moment is drawn."""
WHOLE = 50
"""Tries of each signal at the start and in the middle of both commands each: 200 together."""
PATIENCE_S = 60.0
"""What a command may take to end on a busy machine; it promises ten seconds on a quiet one."""


Process = subprocess.Popen | WarmProcess


@dataclass(frozen=True)
class Ended:
    """A command that got a signal."""

    code: int
    said: str
    at_s: float
    """When it got the signal, after it could answer one."""
    lost: str
    """A process that it left behind, if it did."""


def can_answer(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM: the first instant of the promise."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def of_try(session: int, mark: str) -> list[int]:
    """The processes of one try: the command, and all that it has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            is_marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if (is_marked or int(stat[3]) == session) and stat[0] not in "ZX":
            found.append(int(folder.name))
    return found


MARK = "MTCLI_SIGNALS_TRY"
"""Environment variable of all processes of a try."""

WARM = (
    "import os, runpy; os.setsid(); runpy.run_module('mtcli', run_name='__main__', alter_sys=True)"
)
"""mtcli in a session of its own, in a process that has imported everything."""


def interrupt(
    arguments: Sequence[str | Path],
    number: int,
    wait: Callable[[Process], float],
    folder: Path,
    *,
    is_warm: bool,
) -> Ended:
    """Start mtcli, send it the signal when `wait` returns, and wait for its end.

    Args:
        arguments: of mtcli.
        number: the signal.
        wait: waits for the moment, and returns it.
        folder: where it runs.
        is_warm: whether it may have imported everything before it starts.
    """
    mark = str(random.SystemRandom().randrange(2**60))
    streams = {
        "cwd": folder,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
        "text": True,
        "env": {**os.environ, MARK: mark},
    }
    words = [str(argument) for argument in arguments]
    process: Process
    if is_warm:
        process = WarmProcess([sys.executable, "-c", WARM, *words], **streams)
    else:
        command = [sys.executable, "-m", "mtcli", *words]
        process = subprocess.Popen(command, start_new_session=True, **streams)
    try:
        while not can_answer(process.pid):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.002)
        at_s = wait(process)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)
        end_s = time.monotonic() + 5
        while (left := of_try(process.pid, mark)) and time.monotonic() < end_s:
            time.sleep(0.05)
        lost = f"{len(left)} processes were left behind" if left else ""
        return Ended(process.returncode, said, at_s, lost)
    finally:
        for pid in of_try(process.pid, mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE_S)


def in_the_start(draw: random.Random) -> Callable[[Process], float]:
    """Wait for a moment of the first ten seconds; more often for an early one, of imports."""
    moment_s = START_S * draw.random() ** 3

    def wait(process: Process) -> float:
        begun_s = time.monotonic()
        while (now_s := time.monotonic() - begun_s) < moment_s:
            assert process.poll() is None, process.stderr.read()
            time.sleep(min(0.05, moment_s - now_s))
        return now_s

    return wait


def in_the_middle(draw: random.Random, path: Path, more: int) -> Callable[..., float]:
    """Wait until a file has grown by up to so many bytes, and for up to a tenth of a second."""
    size, after_s = draw.randrange(1, more), draw.uniform(0, 0.1)

    def wait(process: Process) -> float:
        begun_s = time.monotonic()
        while not path.exists() or path.stat().st_size < size:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        time.sleep(after_s)
        return time.monotonic() - begun_s

    return wait


# ------------------------------------------------------------------------------------ training

FOREVER = ("training.max_steps=1000000", "validation.every_steps=40")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("when", ["start", "middle"])
def test_training(tmp_path, number, when):
    """It exits with 75, also in two processes; what it saved in the middle is there to resume.

    Every fifth try resumes it: tests/invariants/test_resume.py is about how that ends.
    """
    with fault(f"{number.name} in the {when} of train", codes={75}) as tries:
        for i, draw in enumerate(tries.draws(quick=1, whole=WHOLE)):
            folder = tmp_path / str(i)
            folder.mkdir()
            write_run(folder, *FOREVER)
            nproc = draw.choice([1, 1, 1, 1, 2])
            arguments = ["train", "config.yaml", "-q", "--nproc", str(nproc)]
            metrics = folder / "run/metrics.jsonl"
            moment = in_the_start(draw) if when == "start" else in_the_middle(draw, metrics, 5_000)
            ended = interrupt(arguments, number, moment, folder, is_warm=when == "middle")
            problem = ended.lost
            if when == "middle" and not (folder / "run/last/state.json").exists():
                problem = problem or "nothing was saved"
            elif when == "middle" and i % 5 == 0:
                problem = problem or resumes(folder)
            what = f"{nproc} processes, after {ended.at_s:.3f} s"
            tries.note(what, codes=[ended.code], said=ended.said, lost=problem)
            shutil.rmtree(folder)


def resumes(folder: Path) -> str:
    """What is wrong with the run that a signal has stopped; empty if it resumes."""
    again = train(folder, "--budget", "1s")
    if again.returncode != 75:
        return f"the run does not resume: exit {again.returncode}: {again.stderr}"
    return ""


# --------------------------------------------------------------------------------- translating


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model folder, with a text that takes minutes beside it."""
    folder = tmp_path_factory.mktemp("signals")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    line = "sef dolu\nralo teku minaro\npav\nerin kostu ralo\n"
    (folder / "text").write_text(line * 100_000, encoding="utf-8")
    return folder / "model"


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("when", ["start", "middle"])
def test_translating(model, tmp_path, number, when):
    """It exits with 128 + N, and has written the first lines, whole."""
    text = model.parent / "text"
    options = ("--engine", "torch", "--threads", "2", "--batch-size", "16", "-q", "-i", text)
    with fault(f"{number.name} in the {when} of translate", codes={128 + number}) as tries:
        for i, draw in enumerate(tries.draws(quick=1, whole=WHOLE)):
            output = tmp_path / f"output.{i}"
            moment = in_the_start(draw) if when == "start" else in_the_middle(draw, output, 3_000)
            arguments = ["translate", "-m", model, *options, "-o", output]
            ended = interrupt(arguments, number, moment, tmp_path, is_warm=when == "middle")
            written = output.read_bytes() if output.exists() else b""
            problem = ended.lost
            if written and not written.endswith(b"\n"):
                problem = problem or "the last line is not whole"
            what = f"after {ended.at_s:.3f} s"
            tries.note(what, codes=[ended.code], said=ended.said, lost=problem)
            output.unlink(missing_ok=True)
