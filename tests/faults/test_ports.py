"""No process of a training on one machine listens where another machine could connect."""

import ipaddress
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.fault import fault
from tests.faults.small_training import MTCLI, OVERRIDES, TRAIN
from tests.support.small_run import write_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("ss") is None, reason="`ss` of iproute2 is missing"),
]

PATIENCE_S = 300.0
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]


def descendants(pid: int) -> set[int]:
    """A process and all that it has started, as far as they still run."""
    found = {pid}
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            pids = children.read_text().split()
        except OSError:  # it has just ended
            continue
        for child in pids:
            found |= descendants(int(child))
    return found


def listening(pids: set[int]) -> set[str]:
    """The local addresses, without ports, that `ss -ltn` shows for these processes."""
    shown = subprocess.run(["ss", "-H", "-ltnp"], capture_output=True, text=True, check=True).stdout
    return {
        line.split()[3].rpartition(":")[0].strip("[]").split("%")[0]
        for line in shown.splitlines()
        if pids & {int(pid) for pid in re.findall(r"pid=(\d+)", line)}
    }


def is_loopback(address: str) -> bool:
    return address != "*" and ipaddress.ip_address(address).is_loopback


def network_interface() -> str | None:
    """An interface of this machine that others can reach."""
    return next((name for _, name in socket.if_nameindex() if name != "lo"), None)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
@pytest.mark.parametrize("how", ["--nproc 2", "--nproc 2 in a cluster", "torchrun"])
def test_only_the_loopback_address(tmp_path, monkeypatch, how, parallel):
    write_run(tmp_path, *OVERRIDES, f"training.parallel={parallel}")
    if how.endswith("cluster"):
        interface = network_interface()
        if interface is None:
            pytest.skip("this machine has no network interface but loopback")
        monkeypatch.setenv("GLOO_SOCKET_IFNAME", interface)
    with fault("a port that another machine can reach", codes={0}) as tries:
        command = (
            [*TORCHRUN, *MTCLI[1:], *TRAIN]
            if how == "torchrun"
            else [*MTCLI, *TRAIN, "--nproc", "2"]
        )
        seen: set[str] = set()
        with (tmp_path / "said").open("wb") as said:
            running = subprocess.Popen(command, cwd=tmp_path, stdout=said, stderr=said)
        try:
            end_s = time.monotonic() + PATIENCE_S
            while running.poll() is None:
                assert time.monotonic() < end_s, "the training does not end"
                pids = descendants(running.pid)
                if how == "torchrun":
                    pids -= {running.pid}  # its rendezvous may be reached by other machines
                seen |= listening(pids)
                time.sleep(0.05)
        finally:
            running.kill()
            running.wait()
        is_open = sorted(address for address in seen if not is_loopback(address))
        lost = f"listens at {', '.join(is_open)}" if is_open else ""
        tries.note(
            f"{how}, {parallel}",
            codes=[running.returncode],
            said=(tmp_path / "said").read_bytes(),
            lost=lost or ("" if seen else "nothing was seen to listen"),
        )
