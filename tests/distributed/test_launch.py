"""Processes that start together end together, whoever dies first, and the reason is told once."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import mtcli
from mtcli.distributed.launch import Patience, launch, should_launch, supervise
from mtcli.distributed.worker import STORE_FD
from mtcli.errors import MtcliError
from mtcli.system.stop_signals import STOP_SIGNALS

WORKERS = Path(__file__).parent / "workers"
SHORT = Patience(settle_s=0.3, grace_s=0.3)
FOREVER = "sleep=60"


def actor(folder: Path, *parts: str) -> list[str]:
    return [sys.executable, str(WORKERS / "actor.py"), str(folder), *parts]


def run(folder: Path, *parts: str, patience: Patience = SHORT) -> int:
    """Exit code of a crew that plays these parts, of which nobody may be left."""
    code = supervise(actor(folder, *parts), len(parts), patience)
    assert_gone(folder, len(parts))
    return code


def state_of(folder: Path, rank: int) -> dict[str, str | int]:
    return json.loads((folder / f"{rank}.json").read_text())


def is_running(pid: int) -> bool:
    """A zombie counts as gone: only its (adoptive) parent has yet to notice."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            return stat.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
        except (FileNotFoundError, ProcessLookupError):
            return False
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0


def wait_until(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def assert_gone(folder: Path, num_ranks: int, timeout_s: float = 0.0) -> None:
    pids = [
        state_of(folder, rank)["pid"]
        for rank in range(num_ranks)
        if (folder / f"{rank}.json").exists()
    ]
    wait_until(lambda: not any(is_running(pid) for pid in pids), timeout_s or 0.1)


@pytest.fixture
def start_parent(tmp_path):
    """Starts a launcher as a process of its own and waits until all its workers run."""
    started: list[subprocess.Popen[str]] = []

    def start(parts: Sequence[str], **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(WORKERS / "parent.py"), str(len(parts))]
        parent = subprocess.Popen(
            [*command, *actor(tmp_path, *parts)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(parent)
        ready = [tmp_path / f"{rank}.started" for rank in range(len(parts))]
        wait_until(lambda: all(path.exists() for path in ready))
        return parent

    yield start
    for parent in started:
        parent.kill()
        parent.communicate()
        assert_gone(tmp_path, 9, timeout_s=5.0)


# ----------------------------------------------------------------------------------- environment


def test_each_rank_learns_its_place(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert run(tmp_path, "exit=0", "exit=0", "exit=0") == 0
    states = [state_of(tmp_path, rank) for rank in range(3)]
    assert [state["RANK"] for state in states] == ["0", "1", "2"]
    assert [state["LOCAL_RANK"] for state in states] == ["0", "1", "2"]
    assert {state["WORLD_SIZE"] for state in states} == {"3"}
    assert {state["MASTER_ADDR"] for state in states} == {"127.0.0.1"}
    assert len({state["MASTER_PORT"] for state in states}) == 1
    # Apart from the terminal's process group, or Ctrl-C would reach them twice.
    assert len({state["session"] for state in states} | {os.getsid(0)}) == 4


def test_only_rank_0_may_listen_and_only_to_this_machine(tmp_path, monkeypatch):
    """The launcher opens its socket, so that no other program takes the port in between."""
    assert run(tmp_path, "check_listener", "exit=0") == 0
    assert STORE_FD in state_of(tmp_path, 0)
    assert STORE_FD not in state_of(tmp_path, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the interface has this name on Linux")
def test_the_network_of_a_cluster_is_not_used(tmp_path, monkeypatch):
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.setenv(name, "eth0")
    assert run(tmp_path, "exit=0", "exit=0") == 0
    for rank in range(2):
        state = state_of(tmp_path, rank)
        assert (state["GLOO_SOCKET_IFNAME"], state["NCCL_SOCKET_IFNAME"]) == ("lo", "lo")


def test_cores_are_shared_out(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(7)), raising=False)
    assert run(tmp_path, "exit=0", "exit=0") == 0
    assert state_of(tmp_path, 1)["OMP_NUM_THREADS"] == "3"


def test_more_processes_than_cores_get_one_thread_each(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0}, raising=False)
    assert run(tmp_path, "exit=0", "exit=0") == 0
    assert state_of(tmp_path, 0)["OMP_NUM_THREADS"] == "1"


def test_an_explicit_number_of_threads_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert supervise(actor(tmp_path, "exit=0", "exit=0"), 2, SHORT, threads=3) == 0
    assert state_of(tmp_path, 0)["OMP_NUM_THREADS"] == "5"


def test_threads_that_a_run_started_with(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert supervise(actor(tmp_path, "exit=0", "exit=0"), 2, SHORT, threads=3) == 0
    assert state_of(tmp_path, 0)["OMP_NUM_THREADS"] == "3"


# ------------------------------------------------------------------------------------ exit codes


@pytest.mark.parametrize("code", [1, 2, 3, 75])
def test_a_code_that_all_share_is_returned(tmp_path, code):
    assert run(tmp_path, f"exit={code}", f"exit={code}") == code


def test_the_first_failure_decides(tmp_path):
    assert run(tmp_path, "await=1,sleep=1,exit=1", "exit=3") == 3


def test_a_failure_weighs_more_than_a_stop_in_order(tmp_path):
    assert run(tmp_path, "exit=75", "sleep=0.2,exit=1") == 1


def test_one_rank_that_stopped_in_order_hurries_nobody(tmp_path):
    """Rank 0 is still saving when the others are done: longer than a failure would leave it."""
    assert run(tmp_path, "await=1,sleep=1.2,exit=75", "exit=75") == 75


def test_a_hung_rank_is_killed_after_another_failed(tmp_path):
    started_at_s = time.monotonic()
    assert run(tmp_path, f"ignore_signals,{FOREVER}", "await=0,exit=1") == 1
    assert time.monotonic() - started_at_s < 5


def test_a_rank_that_reports_a_failure_but_cannot_end_is_killed(tmp_path):
    """As with a collective in flight, which nobody will ever finish."""
    assert run(tmp_path, FOREVER, f"ignore_signals,report=2,{FOREVER}") == 2


def test_what_was_reported_first_decides_even_if_another_rank_ends_first(tmp_path):
    assert run(tmp_path, "await=1,sleep=0.3,exit=1", "report=2,sleep=0.2,exit=2") == 2


def test_a_rank_that_cannot_start_leaves_nobody(tmp_path, monkeypatch):
    def fail() -> None:
        wait_until((tmp_path / "0.started").exists)
        raise OSError("No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    with pytest.raises(OSError, match="No space"):
        supervise(actor(tmp_path, FOREVER, FOREVER), 2, SHORT)
    assert_gone(tmp_path, 2)


def test_mtcli_itself_is_what_is_launched(capfd):
    assert launch(["--version"], 2) == 0
    assert capfd.readouterr().out == f"mtcli {mtcli.__version__}\n"


# -------------------------------------------------------------------------------------- messages


def test_rank_0_writes_to_the_terminal_and_the_others_are_silent(tmp_path, capfd):
    assert run(tmp_path, "print=out,say=err", "print=hidden,say=hidden") == 0
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("out\n", "err\n")


def test_another_rank_is_heard_when_it_failed_first(tmp_path, capfd):
    assert run(tmp_path, "say=zero,await=2,sleep=30", "say=one,sleep=30", "say=two,exit=1") == 1
    assert capfd.readouterr().err == "zero\n[rank 2] two\n"


def test_an_error_of_the_user_is_told_once(tmp_path, capfd):
    assert run(tmp_path, "await=1,sleep=0.1,say=no file,exit=2", "say=no file,exit=2") == 2
    assert capfd.readouterr().err == "no file\n"


def test_an_error_of_the_user_that_only_another_rank_has_is_told(tmp_path, capfd):
    assert run(tmp_path, FOREVER, "await=0,say=no file,exit=2") == 2
    assert capfd.readouterr().err == "[rank 1] no file\n"


def test_a_rank_killed_from_outside(tmp_path, capfd):
    """What the kernel does when memory is short; rank 0 only notices a closed connection."""
    # the sleep is what makes it notice afterwards
    assert run(tmp_path, "await=1,sleep=1,say=lost peer,exit=1", "await=0,die=9") == 128 + 9
    assert capfd.readouterr().err.splitlines()[-1] == (
        "mtcli: rank 1 of 2 was killed by SIGKILL (out of memory?); the others were stopped"
    )


def test_only_the_end_of_a_long_report_is_shown(tmp_path, capfd):
    long = ",".join(f"say=line {i}" for i in range(250))
    assert run(tmp_path, FOREVER, f"{long},exit=1") == 1
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "[rank 1] ... 50 earlier lines"
    assert lines[1:] == [f"[rank 1] line {i}" for i in range(50, 250)]


# --------------------------------------------------------------------------------------- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_every_rank_once(tmp_path, start_parent, number):
    parent = start_parent([f"stop_in_order,{FOREVER}"] * 2)
    parent.send_signal(number)
    time.sleep(0.1)
    parent.send_signal(number)  # `timeout` does this; no impatience of a human
    assert parent.wait(timeout=10) == 75
    assert parent.stderr.read() == ""
    for rank in range(2):
        assert (tmp_path / f"{rank}.signals").read_text() == number.name
    assert_gone(tmp_path, 2)


def test_a_second_interrupt_kills_at_once(tmp_path, start_parent):
    parent = start_parent([f"ignore_signals,{FOREVER}"] * 2)
    parent.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert parent.poll() is None
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=5) == 128 + signal.SIGINT
    assert parent.stderr.read() == ""
    assert_gone(tmp_path, 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP])
def test_ranks_that_do_not_catch_a_signal_die_of_it_without_comment(tmp_path, start_parent, number):
    parent = start_parent([FOREVER, FOREVER])
    parent.send_signal(number)
    assert parent.wait(timeout=5) == 128 + number
    assert parent.stderr.read() == ""
    assert_gone(tmp_path, 2)


SLOW_START = """
import os, pathlib, signal, sys, time
pathlib.Path(sys.argv[1], os.environ["RANK"] + ".begun").touch()
time.sleep(0.5)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
    signal.signal(number, lambda *_: sys.exit(75))
from mtcli.system.processes import die_with_parent
die_with_parent()
time.sleep(60)
"""


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_waits_for_ranks_that_have_no_handlers_yet(tmp_path, number):
    rank = [sys.executable, "-c", SLOW_START, str(tmp_path)]
    command = [sys.executable, str(WORKERS / "parent.py"), "2", *rank]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
    parent.send_signal(number)
    _, stderr = parent.communicate(timeout=30)
    assert (parent.returncode, stderr) == (75, "")


def test_a_signal_reaches_a_rank_that_was_stopped(tmp_path, start_parent):
    parent = start_parent([f"stop_in_order,{FOREVER}"] * 2)
    os.kill(state_of(tmp_path, 1)["pid"], signal.SIGSTOP)
    parent.terminate()
    assert parent.wait(timeout=15) == 75
    for rank in range(2):
        assert (tmp_path / f"{rank}.signals").read_text() == "SIGTERM"


def test_killing_a_rank_ends_the_others(tmp_path, start_parent):
    parent = start_parent([FOREVER] * 3)
    os.kill(state_of(tmp_path, 2)["pid"], signal.SIGKILL)
    assert parent.wait(timeout=10) == 128 + signal.SIGKILL
    assert "rank 2 of 3 was killed by SIGKILL" in parent.stderr.read()
    assert_gone(tmp_path, 3)


@pytest.mark.parametrize("platform", [sys.platform, "another"])
def test_workers_do_not_outlive_a_killed_launcher(tmp_path, start_parent, platform):
    parent = start_parent([f"ignore_signals,{FOREVER}"] * 2, ACTOR_PLATFORM=platform)
    parent.kill()
    parent.wait()
    assert_gone(tmp_path, 2, timeout_s=5.0)


def test_workers_do_not_outlive_a_killed_torchrun(tmp_path):
    """It leaves no process id, and kills nobody when it is killed itself."""
    start = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    places = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}
    places |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1", "OMP_NUM_THREADS": "1"}
    agent = subprocess.Popen(
        [sys.executable, "-c", start, *actor(tmp_path, f"ignore_signals,{FOREVER}")],
        env={**os.environ, **places, "TORCHELASTIC_RUN_ID": "none"},
    )
    wait_until((tmp_path / "0.started").exists, timeout_s=60)
    agent.kill()
    agent.wait()
    assert_gone(tmp_path, 1, timeout_s=5.0)


def test_a_worker_whose_launcher_died_before_it_could_look(tmp_path):
    environment = {**os.environ, "RANK": "0", "MTCLI_PARENT_PID": str(os.getppid())}
    ended = subprocess.run(actor(tmp_path, FOREVER), env=environment, timeout=10)
    assert ended.returncode == -signal.SIGKILL


def test_the_handlers_of_the_caller_come_back(tmp_path):
    def handlers() -> list[object]:
        return [
            signal.getsignal(n)
            for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
        ]

    before = handlers()
    assert run(tmp_path, "exit=0") == 0
    assert handlers() == before


# --------------------------------------------------------------------------------- should_launch


def test_one_process_needs_no_launcher(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    assert should_launch(1) is False
    assert should_launch(2) is True


def test_a_worker_does_not_launch_again(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    assert should_launch(1) is False
    assert should_launch(2) is False
    with pytest.raises(MtcliError) as caught:
        should_launch(3)
    assert str(caught.value) == (
        "`--nproc 3` cannot be used with the 2 processes that another program started (the"
        " environment variable `RANK` is set)\nhint: drop `--nproc`"
    )


def test_no_processes_at_all(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(MtcliError, match="`--nproc` must be at least 1, found 0"):
        should_launch(0)
