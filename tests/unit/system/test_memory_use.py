"""Memory of a process tree."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtcli.system.memory_use import PeakMemory, available_bytes, pss_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
MIB = 2**20
HOLD = "x = bytearray(b'x') * (64 * 2**20); print('ready', flush=True); input()"
START = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"


def test_the_memory_of_a_child_counts():
    child = subprocess.Popen(
        [sys.executable, "-c", START],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with child:
        with PeakMemory(child.pid, every_s=0.01) as memory:
            child.stdout.readline()
            time.sleep(0.1)
            now = pss_bytes(child.pid)
        child.stdin.close()
    assert 64 * MIB < now < 200 * MIB
    assert memory.peak_bytes >= 64 * MIB


def test_a_process_that_has_ended_has_none():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert pss_bytes(child.pid) is None
    with PeakMemory(child.pid, every_s=0.01) as memory:
        time.sleep(0.05)
    assert memory.peak_bytes is None


def test_a_process_of_half_a_second_is_measured():
    with (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.3)"]) as child,
        PeakMemory(child.pid) as memory,
    ):
        child.wait()
    assert memory.peak_bytes is not None


def test_the_memory_that_is_available_is_less_than_there_is():
    total = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        if line.startswith("MemTotal:")
    )
    assert 16 * MIB < available_bytes() < total
