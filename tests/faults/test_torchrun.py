"""Under torchrun a killed worker costs an attempt and nothing else; no worker outlives torchrun."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.fault import Tries, fault
from tests.faults.small_training import MTCLI, OVERRIDES, STEPS, TRAIN, end_of
from tests.support import warm
from tests.support.small_run import write_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the workers are found in /proc"),
]

NUM_KILLS = 2
PATIENCE_S = 300.0
"""For what takes seconds on a quiet machine."""
KILLED = -signal.SIGKILL


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def torchrun(folder: Path, *options: str, is_fresh: bool = False) -> Iterator[subprocess.Popen]:
    """Train in two processes of torchrun; what they say goes to the file `said`."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", *options]
    command += [*MTCLI[1:], *TRAIN, *(["--fresh"] if is_fresh else [])]
    with (folder / "said").open("wb") as said:
        running = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
    try:
        yield running
    finally:
        left = workers_of(running.pid)
        running.kill()
        running.wait()
        for pid in left:
            end(pid)


def end(pid: int) -> None:
    if is_running(pid):
        os.kill(pid, signal.SIGKILL)


def workers_of(parent: int) -> list[int]:
    """Process ids of the mtcli that a torchrun has started and that still run."""
    lists = Path(f"/proc/{parent}/task").glob("*/children")
    try:
        children = [int(pid) for path in lists for pid in path.read_text().split()]
    except OSError:  # it has ended
        return []
    return [pid for pid in children if is_running(pid) and b"mtcli" in command_line(pid)]


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def await_that(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"waited in vain for {what}"
        time.sleep(0.005)


def await_step(folder: Path, step: int, running: subprocess.Popen | warm.WarmProcess) -> None:
    """Wait for a checkpoint of this step or a later one, or the end."""
    done = folder / "run/checkpoints"
    first = f"step_{step:08d}"
    await_that(
        lambda: running.poll() is not None or any(p.name >= first for p in done.glob("step_*")),
        f"step {step}",
    )


def await_workers(running: subprocess.Popen, killed: set[int]) -> list[int]:
    """The two workers of the next attempt; fewer if there is none."""
    await_that(
        lambda: running.poll() is not None or len(set(workers_of(running.pid)) - killed) == 2,
        "two workers",
    )
    return [pid for pid in workers_of(running.pid) if pid not in killed]


def await_end(pids: list[int], timeout_s: float) -> None:
    """Wait until these have ended, or the time is over."""
    end_s = time.monotonic() + timeout_s
    while any(map(is_running, pids)) and time.monotonic() < end_s:
        time.sleep(0.02)


# ----------------------------------------------------------------------------------- max-restarts


@pytest.fixture(scope="module", params=["ddp", "fsdp"])
def undisturbed(request, tmp_path_factory):
    """How the processes share the work, and what a run of two becomes that nobody disturbs."""
    folder = tmp_path_factory.mktemp("together")
    write_run(folder, *OVERRIDES, f"training.parallel={request.param}")
    done = warm.run_ranks([*MTCLI, *TRAIN], 2, cwd=folder)
    assert [rank.returncode for rank in done] == [0, 0], [rank.stderr for rank in done]
    return request.param, end_of(folder / "run")


def test_a_worker_killed_twice(tmp_path, undisturbed):
    parallel, end_without = undisturbed
    name = f"torchrun --max-restarts 2, a worker killed twice, {parallel}"
    with fault(name, codes={0}) as tries:
        for number, draw in enumerate(tries.draws(quick=1, whole=5)):
            folder = tmp_path / str(number)
            folder.mkdir()
            write_run(folder, *OVERRIDES, f"training.parallel={parallel}")
            throw_kills(tries, draw, folder, end_without)


def throw_kills(tries: Tries, draw: random.Random, folder: Path, end_without: str) -> None:
    """Kill one of the two workers in two attempts, while it starts or while it trains."""
    options = draw.choice([["--standalone"], [f"--master-port={free_port()}"]])
    is_fresh = draw.random() < 0.5
    steps = sorted(draw.sample(range(STEPS), NUM_KILLS))
    must_resume = False
    with torchrun(folder, "--max-restarts=2", *options, is_fresh=is_fresh) as running:
        killed: set[int] = set()
        for step in steps:
            workers = await_workers(running, killed)
            if step == 0:
                time.sleep(draw.uniform(0, 5))
            else:
                await_step(folder, step, running)
                must_resume = True
            killed |= set(workers)
            end(draw.choice(workers or [running.pid]))
        code = running.wait(PATIENCE_S)
    log = (folder / "run/train.log").read_text(encoding="utf-8")
    lost = ""
    if must_resume and "resuming from the checkpoint of step" not in log:
        lost = "it started over"
    tries.note(
        f"{' '.join(options)}{' --fresh' * is_fresh}, killed at the steps {steps}",
        codes=[code],
        said=(folder / "said").read_bytes(),
        is_exact=end_of(folder / "run") == end_without,
        lost=lost,
    )


# ------------------------------------------------------------------------------ torchrun is killed


def test_workers_end_with_torchrun(tmp_path):
    with fault("kill -9 of torchrun: its workers end", codes={KILLED}) as tries:
        for number, draw in enumerate(tries.draws(quick=1, whole=6)):
            folder = tmp_path / str(number)
            folder.mkdir()
            write_run(folder, *OVERRIDES, "training.max_steps=100000", "training.peer_timeout_s=20")
            with torchrun(folder, f"--master-port={free_port()}") as running:
                workers = await_workers(running, set())
                is_training = draw.random() < 0.7
                if is_training:
                    await_step(folder, 1, running)
                else:
                    time.sleep(draw.uniform(0, 3))
                running.kill()
                running.wait()
                # One that has not come so far that it is tied to torchrun waits for it in vain.
                await_end(workers, timeout_s=5 if is_training else 120)
                left = [pid for pid in workers if is_running(pid)]
                for pid in left:
                    end(pid)
            when = "while it trains" if is_training else "while it starts"
            lost = f"{len(left)} workers were left" if left else ""
            tries.note(when, codes=[running.returncode], lost=lost)


# --------------------------------------------------------------------------- they do not all come

LIMIT_S = 3
MARGIN_S = 60.0
"""Beyond the limit: for the start and the end of a process, on a busy machine."""
HERE = {"MASTER_ADDR": "127.0.0.1"}
WRONG_MEETINGS = {
    "peers that never come": HERE | {"RANK": "0"},
    "a rank 0 that never comes": HERE | {"RANK": "1"},
    "a wrong address": {"MASTER_ADDR": "192.0.2.1", "RANK": "1"},  # documentation's, RFC 5737
    "an address that is no name": {"MASTER_ADDR": "no..name", "RANK": "0"},
    "a port in use": HERE | {"RANK": "0", "MASTER_PORT": "in use"},
    "something else listens": HERE | {"RANK": "1", "MASTER_PORT": "in use"},
    "a port that is no number": HERE | {"RANK": "1", "MASTER_PORT": "abc"},
    "a port out of range": HERE | {"RANK": "0", "MASTER_PORT": "65536"},
}


@pytest.mark.parametrize("what", WRONG_MEETINGS)
def test_processes_that_do_not_meet(tmp_path, what):
    write_run(tmp_path, *OVERRIDES, f"training.peer_timeout_s={LIMIT_S}")
    world = {"WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_PORT": str(free_port())}
    world |= WRONG_MEETINGS[what]
    with fault("processes that do not meet", codes={2}) as tries, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        if world["MASTER_PORT"] == "in use":
            world["MASTER_PORT"] = str(listener.getsockname()[1])
        started_s = time.monotonic()
        done = warm.run(
            [*MTCLI, *TRAIN],
            cwd=tmp_path,
            text=True,
            capture_output=True,
            env={**os.environ, **world},
        )
        elapsed_s = time.monotonic() - started_s
        problems = []
        if done.stderr.count("error:") != 1 or "frame #" in done.stderr:
            problems.append(f"not one sentence: {done.stderr}")
        if elapsed_s > LIMIT_S + MARGIN_S:
            problems.append(f"it took {elapsed_s:.0f} s")
        tries.note(what, codes=[done.returncode], said=done.stderr, lost="; ".join(problems))
