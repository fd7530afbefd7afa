"""Chains of kill -9: a training that is killed again and again, at any moment, ends the same."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import MTCLI, TRAIN, end_of, leftovers, train
from tests.support import warm

pytestmark = pytest.mark.slow
MOST_KILLS = 8
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process; infinite once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) * TICK_S


def kill_after(folder: Path, killed_after_s: float) -> int:
    """Train, and kill the process once it has used so much CPU time; the exit code."""
    with warm.WarmProcess([*MTCLI, *TRAIN], cwd=folder) as process:
        while process.poll() is None:
            if cpu_s(process.pid) >= killed_after_s:
                with suppress(ProcessLookupError):  # it may have ended since
                    process.kill()
                break
            time.sleep(0.005)
        return process.wait(600)


def test_a_chain_of_kills(undisturbed, tmp_path):
    if not Path("/proc/self/stat").exists():
        pytest.skip("CPU time of another process is read from /proc")
    with fault("a chain of kills -9 at random moments", codes={0, -signal.SIGKILL}) as tries:
        for number, draw in enumerate(tries.draws(quick=1, whole=20)):
            folder = undisturbed.copy(tmp_path / str(number))
            codes = kill_often(folder, draw)
            ended = train(folder)
            tries.note(
                f"chain {number}",
                codes=[*codes, ended.returncode],
                said=ended.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost=leftovers(folder),
            )


def kill_often(folder: Path, draw: random.Random) -> list[int]:
    """The exit codes of trainings that are killed, until one has ended by itself."""
    codes = []
    while len(codes) < MOST_KILLS and 0 not in codes:
        codes.append(kill_after(folder, draw.uniform(0.02, 0.9)))
    return codes
