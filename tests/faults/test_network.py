"""Two machines train together: the link between them is cut, for a while and for good."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.faults.fault import fault, num_tries
from tests.faults.small_training import MTCLI, OVERRIDES, STEPS, TRAIN, end_of
from tests.faults.test_torchrun import await_step, end, is_running, workers_of
from tests.support import warm
from tests.support.small_run import write_run

CUT_S = 20.0
LIMIT_S = 40
"""`training.peer_timeout_s`: longer than the cut that must do no harm."""
MARGIN_S = 60.0
"""Beyond the limit: for the end of a process, on a busy machine."""
PATIENCE_S = 600.0
LOST_PEER = 1
QUICK = {"environment": 1, "torchrun": 0}
ADDRESSES = ("10.77.1.2", "10.77.2.2")
PORT = "29500"


def why_not() -> str:
    """Why this machine cannot play two; empty if it can."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        return "`ip` of iproute2 is missing"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    probe = f"mtcli-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode:
        return f"network namespaces are refused: {made.stderr.strip()}"
    pair = ["link", "add", "v0", "type", "veth", "peer", "name", "v1"]
    linked = subprocess.run(["ip", "-n", probe, *pair], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return f"no virtual network links: {linked.stderr.strip()}" if linked.returncode else ""


pytestmark = pytest.mark.slow


class Machines:
    """Two network namespaces with a router between them, which can drop everything in silence."""

    def __init__(self) -> None:
        own = f"mtcli-{os.getpid()}-"
        self.names, self._router = (f"{own}a", f"{own}b"), f"{own}r"

    def build(self) -> None:
        for name in (*self.names, self._router):
            self._ip("netns", "add", name)
            self._ip("-n", name, "link", "set", "lo", "up")
        for i, (name, address) in enumerate(zip(self.names, ADDRESSES, strict=True)):
            gateway = address.rpartition(".")[0] + ".1"
            peer = ["peer", "name", f"to{i}", "netns", self._router]
            self._ip("link", "add", "net0", "netns", name, "type", "veth", *peer)
            self._ip("-n", name, "addr", "add", f"{address}/24", "dev", "net0")
            self._ip("-n", self._router, "addr", "add", f"{gateway}/24", "dev", f"to{i}")
            self._ip("-n", name, "link", "set", "net0", "up")
            self._ip("-n", self._router, "link", "set", f"to{i}", "up")
            self._ip("-n", name, "route", "add", "default", "via", gateway)
        self.set_link(is_up=True)

    def set_link(self, *, is_up: bool) -> None:
        """Let packets through, or drop them without telling anybody."""
        switch = f"echo {int(is_up)} > /proc/sys/net/ipv4/ip_forward"
        self._ip("netns", "exec", self._router, "sh", "-c", switch)

    def remove(self) -> None:
        for name in (*self.names, self._router):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def machines():
    """Two machines, or the reason why there are none."""
    if reason := why_not():
        yield reason
        return
    built = Machines()
    try:
        built.build()
        yield built
    finally:
        built.remove()


@pytest.fixture(scope="module")
def end_without(tmp_path_factory):
    """What two processes on one machine make of the run."""
    folder = tmp_path_factory.mktemp("together")
    write_run(folder, *OVERRIDES)
    done = warm.run_ranks([*MTCLI, *TRAIN], 2, cwd=folder)
    assert [rank.returncode for rank in done] == [0, 0], [rank.stderr for rank in done]
    return end_of(folder / "run")


ENTER = """\
import ctypes, sys
from pathlib import Path
with Path("/run/netns", sys.argv.pop(1)).open() as network:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(network.fileno(), 0x40000000) == 0, ctypes.get_errno()  # CLONE_NEWNET
from mtcli.cli.app import main
main()
"""
"""Goes to a machine, and does there what `mtcli` does. `ip netns exec` cannot start warm ones."""

Running = subprocess.Popen | warm.WarmProcess


def start(rank: int, machine: str, how: str, folder: Path, said: IO[bytes]) -> Running:
    """Start a process of the run on a machine."""
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "net0"}
    if how == "torchrun":
        options = ["--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1"]
        options += [f"--master-addr={ADDRESSES[0]}", f"--master-port={PORT}"]
        command = [sys.executable, "-m", "torch.distributed.run", *options, *MTCLI[1:], *TRAIN]
        inside = ["ip", "netns", "exec", machine, *command]
        return subprocess.Popen(inside, cwd=folder, env=environment, stdout=said, stderr=said)
    world = {"RANK": str(rank), "LOCAL_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "1"}
    world |= {"MASTER_ADDR": ADDRESSES[0], "MASTER_PORT": PORT}
    command = [sys.executable, "-c", ENTER, machine, *TRAIN]
    return warm.WarmProcess(command, cwd=folder, env=environment | world, stdout=said, stderr=said)


@contextmanager
def training(machines: Machines, folder: Path, how: str) -> Iterator[list[Running]]:
    """The run, on both machines; what they say goes to the files `said.0` and `said.1`."""
    machines.set_link(is_up=True)
    running: list[Running] = []
    try:
        for rank, name in enumerate(machines.names):
            with (folder / f"said.{rank}").open("wb") as said:
                running.append(start(rank, name, how, folder, said))
        yield running
    finally:
        machines.set_link(is_up=True)
        for process in running:
            left = workers_of(process.pid)
            process.kill()
            process.wait()
            for pid in left:
                end(pid)


def why_not_now(machines: Machines | str, how: str) -> str:
    """Why there is no try; empty if there is one."""
    if isinstance(machines, str):
        return machines
    return "" if num_tries(quick=QUICK[how], whole=1) else "only in the whole suite"


def said_by(folder: Path) -> list[str]:
    return [(folder / f"said.{rank}").read_text(encoding="utf-8") for rank in range(2)]


def pids_of(running: list[Running], how: str) -> list[int]:
    """The process that trains on each machine."""
    if how == "environment":
        return [process.pid for process in running]
    return [workers_of(process.pid)[0] for process in running]


def cut_after(
    machines: Machines,
    folder: Path,
    step: int,
    running: list[Running],
    how: str,
    rank: int,
) -> list[int]:
    """Cut the link once this checkpoint is there; this rank stands still until it is cut.

    Returns the process that trains on each machine.
    """
    await_step(folder, 1, running[0])
    trains = pids_of(running, how)
    await_step(folder, step, running[0])
    os.kill(trains[rank], signal.SIGSTOP)
    machines.set_link(is_up=False)
    os.kill(trains[rank], signal.SIGCONT)
    return trains


def wait_all(running: list[Running], timeout_s: float) -> float:
    """Seconds until both have ended; those that have not are left running."""
    started_s = time.monotonic()
    while any(process.poll() is None for process in running):
        if time.monotonic() - started_s > timeout_s:
            break
        time.sleep(0.02)
    return time.monotonic() - started_s


@pytest.mark.parametrize("how", ["environment", "torchrun"])
def test_a_link_that_is_cut_for_a_while(tmp_path, machines, end_without, how):
    with fault(f"two machines, the link cut for {CUT_S:g} s ({how})", codes={0}) as tries:
        if reason := why_not_now(machines, how):
            pytest.skip(reason)
        for number, draw in enumerate(tries.draws(quick=QUICK[how], whole=3)):
            folder = tmp_path / str(number)
            folder.mkdir()
            write_run(folder, *OVERRIDES, f"training.peer_timeout_s={LIMIT_S}")
            step, rank = draw.randrange(1, STEPS - 1), draw.randrange(2)
            with training(machines, folder, how) as running:
                cut_after(machines, folder, step, running, how, rank)
                time.sleep(CUT_S)
                is_waiting = all(process.poll() is None for process in running)
                machines.set_link(is_up=True)
                elapsed_s = wait_all(running, PATIENCE_S)
                codes = [process.poll() for process in running]
            tries.note(
                f"after step {step}, with rank {rank} slow; {elapsed_s:.0f} s more",
                codes=codes,
                said="".join(said_by(folder)),
                is_exact=end_of(folder / "run") == end_without,
                lost="" if is_waiting else "it did not wait",
            )


@pytest.mark.parametrize("how", ["environment", "torchrun"])
def test_a_machine_that_is_lost(tmp_path, machines, end_without, how):
    """Both ends say so in one sentence and in time; later the run is resumed."""
    name = f"two machines, one lost for good, then resumed ({how})"
    with fault(name, codes={0, LOST_PEER}) as tries:
        if reason := why_not_now(machines, how):
            pytest.skip(reason)
        for number, draw in enumerate(tries.draws(quick=QUICK[how], whole=3)):
            folder = tmp_path / str(number)
            folder.mkdir()
            limit_s = draw.choice([20, 30])
            write_run(folder, *OVERRIDES, f"training.peer_timeout_s={limit_s}")
            step, rank = draw.randrange(1, STEPS - 1), draw.randrange(2)
            with training(machines, folder, how) as running:
                trains = cut_after(machines, folder, step, running, how, rank)
                elapsed_s = wait_all(running, limit_s + MARGIN_S)
                codes = [process.poll() for process in running]
                hung = [pid for pid in trains if is_running(pid)]
            said = said_by(folder)
            sentence = f"another machine of this run has not answered for {limit_s} s"
            problems = [f"{len(hung)} hung for {elapsed_s:.0f} s"] if hung else []
            problems += [f"not one sentence: {s}" for s in said if s.count(sentence) != 1]
            with training(machines, folder, how) as running:
                wait_all(running, PATIENCE_S)
                codes += [process.poll() for process in running]
            tries.note(
                f"after step {step}, with rank {rank} slow; limit {limit_s} s, {elapsed_s:.0f} s",
                codes=codes,
                said="".join(said_by(folder) if how == "torchrun" else said + said_by(folder)),
                is_exact=end_of(folder / "run") == end_without,
                lost="; ".join(problems),
            )
